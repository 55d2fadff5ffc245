"""`export` over folders and several formats at once: what is written, and what fails alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.events import EventTable
from export_cases import detection, run
from in_process import Command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved = tmp_path / "results"
    saved.mkdir()
    table = EventTable.concatenate([run(10, 40, 12, 30), run(50, 70, 8, -20)])
    for name in ("first", "second"):
        detection(table).save(saved / f"{name}.json")
    (saved / "notes.json").write_text("{}")
    return saved


def test_every_result_of_a_folder_is_written_in_every_format(earwitness: Command, folder: Path) -> None:
    (folder / "notes.json").unlink()
    result = earwitness("export", folder, "--format", "srt,raven", "--out", "out")
    assert result.code == 0, result.err
    names = sorted(path.name for path in Path("out").iterdir())
    assert len(names) == 4
    assert {name.split(".")[0] for name in names} == {"first", "second"}


def test_a_file_that_is_no_result_fails_alone(earwitness: Command, folder: Path) -> None:
    result = earwitness("export", folder / "first.json", folder / "notes.json", "--format", "srt", "--out", "out")
    assert result.code == 1
    assert "notes.json" in result.err
    assert [path.name for path in Path("out").iterdir()] == ["first.srt"]


def test_one_table_of_all_results(earwitness: Command, folder: Path) -> None:
    (folder / "notes.json").unlink()
    result = earwitness("export", folder, "--format", "csv", "--out", "out", "--table", "all.csv")
    assert result.code == 0, result.err
    lines = Path("all.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 2


def test_burning_needs_one_result(earwitness: Command, folder: Path) -> None:
    result = earwitness("export", folder, "--format", "srt", "--out", "out", "--burn", "video.mp4")
    assert result.code == 2
    assert "--burn" in result.err
