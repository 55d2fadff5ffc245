from __future__ import annotations

import copy
import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from earwitness.benchmark.leaderboard import (
    ENTRIES_MARKS,
    PUBLISHED_MARKS,
    LeaderboardEntry,
    PublishedFigures,
    check_published,
    read_entry,
    with_tables,
)
from earwitness.core.errors import BenchmarkError

DATA = Path(__file__).parents[2] / "docs" / "leaderboard"
PUBLISHED = sorted((DATA / "entries").glob("*.json"))
ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "leaderboard"
EMPTY = "\n".join(["# Page", *PUBLISHED_MARKS, "between", *ENTRIES_MARKS, "end", ""])


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


def figures(**more: object) -> PublishedFigures:
    system = {"system": "A", "track": "A", "f_score": 10.0, "source": "s", **more}
    return PublishedFigures.model_validate({"sources": {"s": {"text": "S"}}, "systems": [system]})


def entry(**system: str) -> LeaderboardEntry:
    values = json.loads(sorted((DATA / "entries").glob("*.json"))[0].read_text(encoding="utf-8"))
    return LeaderboardEntry.model_validate(values | {"system": {"name": "X", **system}})


def script(monkeypatch: pytest.MonkeyPatch, *options: object) -> int:
    path = str(ROOT / "scripts" / "render_leaderboard.py")
    monkeypatch.setattr(sys, "argv", [path, *map(str, options)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(path, run_name="__main__")
    return int(stop.value.code or 0)


def test_the_page_is_what_the_files_say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert script(monkeypatch, "--check") == 0, capsys.readouterr().err


def test_the_script_writes_the_page_and_refuses_bad_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(DATA, tmp_path / "leaderboard")
    (tmp_path / "leaderboard.md").write_text(EMPTY, encoding="utf-8")
    assert script(monkeypatch, "--docs", tmp_path, "--check") == 1
    assert script(monkeypatch, "--docs", tmp_path) == 0
    assert script(monkeypatch, "--docs", tmp_path, "--check") == 0
    page = (tmp_path / "leaderboard.md").read_text(encoding="utf-8")
    assert page.startswith("# Page\n")
    assert "Official baseline, audio | A | 22.8" in page
    (tmp_path / "leaderboard/entries/bad.json").write_text("{}")
    capsys.readouterr()
    assert script(monkeypatch, "--docs", tmp_path) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bad.json: not an entry of the leaderboard" in said


def test_tables_are_replaced_and_the_text_stays() -> None:
    page = with_tables(EMPTY, figures(), [entry()])
    assert with_tables(page, figures(), [entry()]) == page
    assert with_tables(page, figures(), []).count("No entries yet.") == 1
    assert page.endswith("end\n")
    assert "| A | A | 10.0 | – | – | – | – | – | [1](#sources) |" in page


def test_names_cannot_break_the_page() -> None:
    page = with_tables(EMPTY, figures(), [entry(name="<b>|a](x)`", note="*n*", url="https://example.org/a")])
    row = next(line for line in page.splitlines() if "example.org" in line)
    assert row.startswith(r"| [&lt;b&gt;\|a\](x)\`](https://example.org/a)<br>\*n\* |")


@pytest.mark.parametrize("page", ["", PUBLISHED_MARKS[0], EMPTY + EMPTY, "\n".join(reversed(EMPTY.splitlines()))])
def test_a_page_without_marks_is_refused(page: str) -> None:
    with pytest.raises(BenchmarkError, match="the page must have the lines"):
        with_tables(page, figures(), [])


def test_figures_of_the_evaluation_set_are_marked() -> None:
    page = with_tables(EMPTY, figures(split="eval", note="a note"), [])
    assert "| A (on the evaluation set; a note) | A | 10.0 |" in page


def test_figures_without_a_source_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="names the source 'other'"):
        with_tables(EMPTY, figures(source="other"), [])
