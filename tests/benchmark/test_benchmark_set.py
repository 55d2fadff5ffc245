from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark_sets import CLIPS, Place, edit, values_of
from earwitness.benchmark.benchmark_set import Secret, commitment_of, new_nonce, new_seed
from in_process import Command


def append_row(labels: Path) -> None:
    """Change the labels whatever the seed drew: emptying the file of a clip without events would be no change."""
    labels.write_text(labels.read_text().rstrip("\n") + "\n49,0,7,10,150,0\n")


def test_the_public_part_tells_nothing(place: Place, made: Path) -> None:
    secret = values_of(made / "secret/secret.json")
    public = [path for path in (made / "set").rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in public) == [".csv", ".json", *[".wav"] * CLIPS]
    for path in public:
        content = path.read_bytes()
        assert secret["seed"].encode() not in content
        assert secret["nonce"].encode() not in content
    description = values_of(made / "set/benchmark.json")
    assert description["commitment"] in place.said
    assert (description["clips"], description["name"], description["protocol"]) == (CLIPS, "tiny", "strict")
    assert int(secret["seed"]).bit_length() > 64
    assert (made / "set/CREDITS.csv").read_text().count("\n") == 3  # all sounds, used or not
    assert (place.made / "secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda made: edit(made / "secret/secret.json", seed="7"), "the commitment is not that of this seed"),
        (lambda made: edit(made / "secret/secret.json", seed="7x"), "not the secret of a benchmark set: seed"),
        (lambda made: edit(made / "set/benchmark.json", clips=3), "the commitment is not that"),
        (lambda made: edit(made / "set/benchmark.json", bank="better"), "the commitment is not that"),
        (lambda made: edit(made / "set/benchmark.json", commitment=""), "the commitment is not that"),
        (lambda made: (made / "set/benchmark.json").write_text("{"), "not the description of a benchmark set"),
        (lambda made: (made / "set/benchmark.json").unlink(), "no benchmark set"),
        (lambda made: (made / "secret/secret.json").unlink(), "the secret part is missing"),
        (lambda made: next((made / "set").rglob("*.wav")).write_bytes(b"x"), "the clips are not those"),
        (lambda made: next((made / "set").rglob("*.wav")).unlink(), "the clips are not those"),
        (lambda made: next((made / "secret/clips/metadata_dev").rglob("*.csv")).unlink(), "the labels are not those"),
        (
            lambda made: append_row(next((made / "secret/clips/metadata_dev").rglob("*.csv"))),
            "the labels are not those",
        ),
    ],
)  # fmt: skip
def test_a_set_that_was_changed_is_not_scored(
    made: Path, earwitness: Command, spoil: Callable[[Path], Any], words: str
) -> None:
    spoil(made)
    done = earwitness("benchmark", "score", "set1", "--predictions", "right", "--system", "x")
    assert done.code == 1
    assert words in done.problem
    assert not Path("x.json").exists()
    assert not (made / "revealed.json").exists()


def test_seeds_and_nonces_are_random_and_long() -> None:
    seeds, nonces = {new_seed() for _ in range(20)}, {new_nonce() for _ in range(20)}
    assert (len(seeds), len(nonces)) == (20, 20)
    assert max(seed.bit_length() for seed in seeds) > 100
    assert {len(nonce) for nonce in nonces} == {64}


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
