from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from earwitness.benchmark.benchmark_set import Secret, commitment_of
from earwitness.benchmark.leaderboard import LeaderboardEntry, check_published, read_entry
from earwitness.core.errors import BenchmarkError

DATA = Path(__file__).parents[2] / "docs" / "leaderboard"
PUBLISHED = sorted((DATA / "entries").glob("*.json"))


@pytest.fixture
def valid() -> dict[str, Any]:
    return dict(json.loads(PUBLISHED[0].read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_every_entry_of_the_leaderboard_is_valid_and_of_a_published_set(path: Path) -> None:
    check_published(read_entry(path), DATA / "sets", str(path))


def put(*keys: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("scores", "f_score", value={"value": 0.99, "low": 0.9, "high": 1.0}), "seld_error is|the mean of class_f"),
        (put("scores", "f_score", "value", value=0.99), "is not within"),
        (put("scores", "f_score", "low", value=None), "both ends of the interval"),
        (put("scores", "doa_error_deg", value={"value": 500}), "must lie in 0..180"),
        (put("scores", "onscreen_accuracy", value={"value": 1.5}), "must lie in 0..1"),
        (put("scores", "f_score_onscreen", value={"value": 0.9}), "higher than f_score"),
        (put("class_f_scores", "bell", value=0.9), "the mean of class_f_scores"),
        (put("class_f_scores", value={"bell": 0.5}), "must list the classes of the set"),
        (put("secret", "seed", value="1"), "the commitment is not that"),
        (put("benchmark", "bank", value="another"), "the commitment is not that"),
        (put("benchmark", "clips", value=3), "units of 3 clips"),
        (put("scored", value="2001-01-01"), "scored before the set was made"),
        (put("system", "name", value="a\nb"), "printable text on one line"),
        (put("system", "url", value="https://x/) [y](javascript:z"), "system.url"),
        (put("units", value=1), "units"),
        (put("extra", value=1), "there is no such key"),
        (put("format", value=2), "format"),
    ],
)
def test_what_does_not_fit_together_is_named(
    tmp_path: Path, valid: dict[str, Any], change: Callable[[dict[str, Any]], None], words: str
) -> None:
    values = copy.deepcopy(valid)
    change(values)
    path = tmp_path / "entry.json"
    path.write_text(json.dumps(values))
    with pytest.raises(BenchmarkError, match=words) as caught:
        read_entry(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": NaN}', "\x00", "[" * 100_000])
def test_what_is_no_entry(tmp_path: Path, text: str) -> None:
    path = tmp_path / "entry.json"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match="not an entry of the leaderboard"):
        read_entry(path)
    with pytest.raises(BenchmarkError, match="cannot be read"):
        read_entry(tmp_path / "none.json")


def test_the_set_must_be_published_as_it_is(tmp_path: Path, valid: dict[str, Any]) -> None:
    entry = LeaderboardEntry.model_validate(valid)
    with pytest.raises(BenchmarkError, match=r"is not published; add its benchmark\.json"):
        check_published(entry, tmp_path, "e.json")
    published = valid["benchmark"] | {"commitment": "0" * 64}
    (tmp_path / f"{entry.benchmark.name}.json").write_text(json.dumps(published))
    with pytest.raises(BenchmarkError, match="is not the one published"):
        check_published(entry, tmp_path, "e.json")


def test_the_commitment_depends_on_everything() -> None:
    secret = Secret(seed="12", nonce="0" * 32, labels_sha256="1" * 64)
    described = {"name": "a", "clips": 3, "settings": {"seconds": 5.0}}
    base = commitment_of(described, secret)
    assert base == commitment_of(dict(reversed(described.items())), secret)  # not on the order of keys
    others = [
        commitment_of(described | {"clips": 4}, secret),
        commitment_of(described, secret.model_copy(update={"seed": "13"})),
        commitment_of(described, secret.model_copy(update={"nonce": "1" * 32})),
        commitment_of(described, secret.model_copy(update={"labels_sha256": "2" * 64})),
    ]
    assert len({base, *others}) == 5
    assert secret.can_be_guessed
    assert not Secret(seed=str(2**100), nonce="0" * 32, labels_sha256="1" * 64).can_be_guessed
