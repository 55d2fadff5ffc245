from __future__ import annotations

import json
from pathlib import Path

import pytest

from earwitness.batch.journal import JOURNAL_NAME, Journal
from earwitness.core.files.digests import stamp

RECORD = {"version": "1", "settings": {"threshold": 0.5}}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    return path


def test_entries_of_the_wrong_shape_count_for_nothing(source: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path, RECORD)
    with journal.path.open("a") as file:
        file.write(json.dumps({"source": str(source), "target": "a", "stamp": 7, "written": []}) + "\n")
    assert Journal(tmp_path, RECORD).written(source, tmp_path / "a") is None


def entry(source: Path, /, **changes: object) -> str:
    values = {"source": str(source), "target": "a", "stamp": stamp(source), "written": {"a.csv": 6}}
    return json.dumps(values | changes)


JUNK = [
    {"written": {}}, {"written": {"../a.csv": 6}}, {"written": {"/etc/passwd": 6}}, {"written": {"a.csv\0": 6}},
    {"written": {"": 6}}, {"written": {"b.csv": 6}}, {"written": {"a.csv": "6"}}, {"written": {"a.csv": True}},
    {"written": {"a.csv": -1}}, {"written": {"a.csv": 6.0}}, {"written": {"a.\ud800": 6}}, {"written": None},
    {"written": ["a.csv"]}, {"written": {"a.csv": 10**30}}, {"written": {"a.csv": {}}},
    {"target": "../a"}, {"target": "/a"}, {"target": ""}, {"target": 3}, {"target": "a\0"}, {"target": "\ud800"},
    {"stamp": None}, {"stamp": [5]}, {"stamp": [5, "1"]}, {"stamp": [True, 1]}, {"stamp": {}}, {"stamp": [5, 1, 2]},
    {"source": None}, {"source": ""}, {"source": "a.wav"}, {"source": "\0"}, {"source": "\ud800"}, {"source": ["x"]},
]  # fmt: skip


@pytest.mark.parametrize("change", JUNK, ids=[json.dumps(change)[:40] for change in JUNK])
def test_lines_that_no_run_wrote_count_for_nothing(source: Path, tmp_path: Path, change: dict[str, object]) -> None:
    out = tmp_path / "out"
    head = Journal(out, RECORD).path.read_text()
    (out / "a.csv").write_text("frame\n")
    for line, known in ((entry(source), True), (entry(source, **change), False)):
        (out / JOURNAL_NAME).write_text(f"{head}{line}\n")
        assert (Journal(out, RECORD).written(source, out / "a") is not None) is known
