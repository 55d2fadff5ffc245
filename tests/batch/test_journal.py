from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from earwitness.batch.journal import JOURNAL_NAME, Journal, fingerprint
from earwitness.core.errors import EncodingError
from earwitness.core.files.digests import stamp

RECORD = {"version": "1", "settings": {"threshold": 0.5}}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    return path


def note(journal: Journal, source: Path, out: Path) -> Path:
    result = out / "a.csv"
    result.write_text("frame\n")
    journal.add(source, out / "a", [result], stamp(source))
    return result


def test_what_was_added_is_known_to_the_next_run(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    journal = Journal(out, RECORD)
    assert journal.written(source, out / "a") is None
    result = note(journal, source, out)
    for known in (journal, Journal(out, RECORD)):
        assert known.written(source, out / "a") == (result,)
        assert known.written(source, out / "b") is None


def test_it_holds_only_for_the_same_settings(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    note(Journal(out, RECORD), source, out)
    assert Journal(out, RECORD | {"version": "2"}).written(source, out / "a") is None
    assert Journal(out, RECORD).written(source, out / "a") is None, "the other run began the journal anew"


def test_again_forgets(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    note(Journal(out, RECORD), source, out)
    assert Journal(out, RECORD, again=True).written(source, out / "a") is None


@pytest.mark.parametrize("change", ["source", "gone", "cut", "missing"])
def test_it_holds_only_while_nothing_changed(source: Path, tmp_path: Path, change: str) -> None:
    out = tmp_path / "out"
    result = note(Journal(out, RECORD), source, out)
    if change == "source":
        os.utime(source, ns=(1, 1))
    elif change == "gone":
        source.unlink()
    elif change == "cut":
        result.write_text("f")
    else:
        result.unlink()
    assert Journal(out, RECORD).written(source, out / "a") is None


def test_a_file_that_changed_while_it_was_read_is_done_again(source: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path, RECORD)
    before = stamp(source)
    source.write_bytes(b"more sound")
    journal.add(source, tmp_path / "a", [], before)
    assert journal.written(source, tmp_path / "a") is None


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_line_cut_by_a_crash_costs_one_file(source: Path, tmp_path: Path, cut: int) -> None:
    out = tmp_path / "out"
    journal = Journal(out, RECORD)
    result = note(journal, source, out)
    other = tmp_path / "b.wav"
    other.write_bytes(b"x")
    journal.add(other, out / "b", [], stamp(other))
    path = out / JOURNAL_NAME
    path.write_bytes(path.read_bytes()[:-cut])
    after = Journal(out, RECORD)
    assert after.written(source, out / "a") == (result,)
    assert after.written(other, out / "b") is None or cut == 1  # without its line feed a line is still whole
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize("text", ["", "junk", "[]", "{}", '{"fingerprint": 3}\n{"source": 1}', "\x00\xff"])
def test_a_damaged_journal_is_begun_anew(source: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / JOURNAL_NAME).write_text(text, encoding="latin-1")
    assert Journal(tmp_path, RECORD).written(source, tmp_path / "a") is None
    head = json.loads((tmp_path / JOURNAL_NAME).read_text().splitlines()[0])
    assert head["fingerprint"] == fingerprint(RECORD)
    assert head["run"] == RECORD


def test_entries_of_the_wrong_shape_count_for_nothing(source: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path, RECORD)
    with journal.path.open("a") as file:
        file.write(json.dumps({"source": str(source), "target": "a", "stamp": 7, "written": []}) + "\n")
    assert Journal(tmp_path, RECORD).written(source, tmp_path / "a") is None


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(EncodingError, match="check folder and space"):
        Journal(tmp_path / "out", RECORD)
