from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import pytest

from earwitness.benchmark.leaderboard import (
    ENTRIES_MARKS,
    PUBLISHED_MARKS,
    LeaderboardEntry,
    PublishedFigures,
    with_tables,
)
from earwitness.core.errors import BenchmarkError

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "leaderboard"
EMPTY = "\n".join(["# Page", *PUBLISHED_MARKS, "between", *ENTRIES_MARKS, "end", ""])


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
