from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from earwitness.batch.journal import JOURNAL_NAME, Journal, fingerprint
from earwitness.batch.planning import read_claims
from earwitness.core.errors import EncodingError
from earwitness.core.files.cache import stamp

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


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(EncodingError, match="name another one"):
        Journal(tmp_path / "out", RECORD)


@pytest.mark.parametrize(
    "line", ["[" * 100_000, "9" * 5000, "NaN", "\x85\x0c", '{"source": 1e999}', "null", '"a"', "{"]
)
def test_lines_that_are_no_json_of_ours_cost_only_themselves(source: Path, tmp_path: Path, line: str) -> None:
    out = tmp_path / "out"
    result = note(Journal(out, RECORD), source, out)
    with (out / JOURNAL_NAME).open("a") as file:
        file.write(f"{line}\n")
    assert Journal(out, RECORD).written(source, out / "a") == (result,)


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to itself", "large"])
def test_what_is_no_journal_is_begun_anew_or_named(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / JOURNAL_NAME
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to itself":
        path.symlink_to(path)
    else:
        path.write_bytes(b"x" * 100)
        monkeypatch.setattr("earwitness.batch.journal.MOST_BYTES", 99)
        assert Journal(tmp_path, RECORD).path.read_text().startswith('{"journal": 1')
        return
    with pytest.raises(EncodingError, match=JOURNAL_NAME):
        Journal(tmp_path, RECORD)


def test_a_file_is_done_only_with_all_results_that_are_asked_for(source: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path, RECORD)
    result = note(journal, source, tmp_path)
    assert journal.written(source, tmp_path / "a", ["a.csv"]) == (result,)
    assert journal.written(source, tmp_path / "a", ["a.csv", "a.json"]) is None


def test_of_two_files_with_one_name_the_later_has_the_results(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    journal = Journal(out, RECORD)
    note(journal, source, out)
    other = tmp_path / "b.wav"
    other.write_bytes(b"other")
    result = note(journal, other, out)
    again = Journal(out, RECORD)
    assert again.written(source, out / "a") is None
    assert again.written(other, out / "a") == (result,)


def test_names_outlive_a_change_of_settings(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = Journal(out, RECORD)
    first.begin([(tmp_path / "b.wav", out / "b")])
    note(first, source, out)
    (out / "b.csv").touch()
    for record, again in (({"other": 1}, False), ({"other": 2}, False), (RECORD, True)):
        Journal(out, record, again=again)
        claims = read_claims(out, [".csv"])
        assert claims.owner(Path("a"), tmp_path / "c.wav") == source
        assert claims.owner(Path("A"), tmp_path / "c.wav") == source
        assert claims.owner(Path("b"), tmp_path / "c.wav") == tmp_path / "b.wav"
        assert claims.owner(Path("a"), source) is None
        assert claims.name_of(source) == Path("a")
    assert len((out / JOURNAL_NAME).read_text().splitlines()) == 1


@pytest.mark.parametrize("names", [3, [], {"../a": "/a.wav"}, {"a": 1}, {"a": None}, {"": "/a.wav"}, {"a": "\ud800"}])
def test_names_that_no_run_wrote_count_for_nothing(source: Path, tmp_path: Path, names: object) -> None:
    out = tmp_path / "out"
    result = note(Journal(out, RECORD), source, out)
    head, *lines = (out / JOURNAL_NAME).read_text().splitlines()
    changed = json.dumps(json.loads(head) | {"names": names})
    (out / JOURNAL_NAME).write_text("\n".join([changed, *lines, ""]))
    assert Journal(out, RECORD).written(source, out / "a") == (result,)


def test_a_full_disk_leaves_the_journal_that_was_there(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    out = tmp_path / "out"
    result = note(Journal(out, RECORD), source, out)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(EncodingError, match="cannot be written"):
            Journal(out, {"other": "settings"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert Journal(out, RECORD).written(source, out / "a") == (result,)
    assert sorted(path.name for path in out.iterdir()) == [JOURNAL_NAME, "a.csv"]


ENTRY_RECORD = {"version": "1", "settings": {"threshold": 0.5}}


@pytest.fixture
def source_entry(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    return path


def test_entries_of_the_wrong_shape_count_for_nothing(source_entry: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path, ENTRY_RECORD)
    with journal.path.open("a") as file:
        file.write(json.dumps({"source": str(source_entry), "target": "a", "stamp": 7, "written": []}) + "\n")
    assert Journal(tmp_path, ENTRY_RECORD).written(source_entry, tmp_path / "a") is None


def entry(source_entry: Path, /, **changes: object) -> str:
    values = {
        "source": str(source_entry),
        "target": "a",
        "stamp": stamp(source_entry),
        "written": {"a.csv": 6},
    }
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
def test_lines_that_no_run_wrote_count_for_nothing(
    source_entry: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    out = tmp_path / "out"
    head = Journal(out, ENTRY_RECORD).path.read_text()
    (out / "a.csv").write_text("frame\n")
    for line, known in ((entry(source_entry), True), (entry(source_entry, **change), False)):
        (out / JOURNAL_NAME).write_text(f"{head}{line}\n")
        assert (Journal(out, ENTRY_RECORD).written(source_entry, out / "a") is not None) is known
