from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from earwitness.batch.jobs import Job
from earwitness.batch.journal import JOURNAL_NAME, Journal
from earwitness.batch.planning import Plan, plan
from earwitness.core.files.cache import stamp


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def names(todo: Plan, out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in todo.jobs}


def test_links_give_their_own_name_to_results(tmp_path: Path) -> None:
    touch(tmp_path, "store/0a1b2c.wav", "in/plain.wav")
    (tmp_path / "in" / "interview.wav").symlink_to(tmp_path / "store" / "0a1b2c.wav")
    assert names(plan([tmp_path / "in"], tmp_path / "out"), tmp_path / "out") == {
        "interview.wav": "interview", "plain.wav": "plain",
    }  # fmt: skip


def test_a_folder_that_is_input_and_output_keeps_both(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.earwitness.mp4", "a.player.mp4", "deep/b.wav")
    assert names(plan([tmp_path], tmp_path), tmp_path) == {"a.mp4": "a", "b.wav": "b"}


def test_what_is_left_out_is_in_the_plan(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "notes.md", ".b.wav")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    todo = plan([tmp_path], tmp_path / "out")
    assert len(todo.problems) == 1
    assert len(todo.left_out) == 2


def test_an_empty_input_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.wav")
    monkeypatch.chdir(tmp_path)
    todo = plan(["", "~none/x.wav", "a.wav"], tmp_path / "out")
    assert [job.source.name for job in todo.jobs] == ["a.wav"]
    assert len(todo.failures) == 2


def targets(inputs: list[Path], out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in plan(inputs, out).jobs}


def test_the_same_file_twice_is_one_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "x.wav")
    monkeypatch.chdir(tmp_path)
    assert len(plan(["x.wav", tmp_path, "./x.wav", "*.wav"], tmp_path / "out").jobs) == 1


def test_earlier_results_are_no_input(tmp_path: Path) -> None:
    touch(tmp_path, "x.mp4", "out/x.earwitness.mp4")
    assert targets([tmp_path], tmp_path / "out") == {"x.mp4": "x"}
    assert len(plan([tmp_path / "out" / "x.earwitness.mp4"], tmp_path / "out").jobs) == 1


def test_inputs_that_name_nothing_are_failures_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "x.wav", "docs/readme.txt")
    todo = plan([tmp_path / "none.mp4", tmp_path / "docs", tmp_path / "x.wav"], tmp_path / "out")
    assert [job.source.name for job in todo.jobs] == ["x.wav"]
    assert [failure.source.name for failure in todo.failures] == ["none.mp4", "docs"]
    assert all("\n" not in failure.reason and str(failure.source) in failure.reason for failure in todo.failures)


def test_results_are_named_after_their_files(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.mp4", "in/take.1.wav")
    out = tmp_path / "out"
    assert targets([tmp_path / "in"], out) == {"a.mp4": "a", "take.1.wav": "take.1"}
    job = plan([tmp_path / "in" / "take.1.wav"], out).jobs[0]
    assert job.result(".csv") == out / "take.1.csv"


def test_equal_names_in_several_folders_keep_their_folders(tmp_path: Path) -> None:
    touch(tmp_path, "in/a/x.mp4", "in/b/x.mp4", "in/b/y.mp4")
    todo = plan([tmp_path / "in"], tmp_path / "out")
    assert {job.target.relative_to(tmp_path / "out").as_posix() for job in todo.jobs} == {"a/x", "b/x", "y"}
    assert todo.clashes == ("x",)


def test_equal_names_in_one_folder_keep_their_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "x.mp4", "x.wav", "z.wav")
    assert targets([tmp_path], tmp_path / "out") == {"x.mp4": "x.mp4", "x.wav": "x.wav", "z.wav": "z"}


def test_every_file_has_its_own_target_whatever_the_case(tmp_path: Path) -> None:
    touch(tmp_path, "a/X.wav", "a/x.mp4", "b/x.wav", "b/c/x.wav", "x.flac")
    found = [str(job.target).casefold() for job in plan([tmp_path], tmp_path / "out").jobs]
    assert len(set(found)) == len(found) == 5


def test_no_two_files_have_one_name_whatever_they_are_called(tmp_path: Path) -> None:
    touch(
        tmp_path, "x.mp4", "x.wav", "x.mp4.mkv", "X.WAV", "X.wav", "a/x.wav", "a/b/x.wav", "é.wav", "e\u0301.wav",
        "x.wav.mp4", "a/x.mp4", "noext/x.wav", "straße.wav", "STRASSE.wav",
    )  # fmt: skip
    todo = plan([tmp_path], tmp_path / "out")
    assert len({str(job.target).casefold() for job in todo.jobs}) == len(todo.jobs) == 14
    assert len({os.path.normcase(job.result(".json")) for job in todo.jobs}) == 14
    again = plan(sorted((str(file) for file in tmp_path.rglob("*.*")), reverse=True), tmp_path / "out")
    assert {job.source: job.target for job in again.jobs} == {job.source: job.target for job in todo.jobs}


@pytest.mark.parametrize("stem", ["m" * 251, "é" * 125, "m" * 245, "日" * 83])
def test_the_longest_names_leave_room_for_what_results_end_in(tmp_path: Path, stem: str) -> None:
    touch(tmp_path, f"{stem}.wav", f"{stem[:-1]}.wav")
    for suffixes in ([".csv", ".json"], [".csv", ".audacity.txt", ".earwitness.mp4"]):
        todo = plan([tmp_path], tmp_path / "out", suffixes)
        found = {job.source.stem: job.target.name for job in todo.jobs}
        assert len(set(found.values())) == 2
        for target in found.values():
            assert max(len(os.fsencode(target + suffix)) for suffix in suffixes) <= 255
        fits = len(os.fsencode(stem)) + max(map(len, suffixes)) <= 255
        assert (found[stem] == stem) is fits
        assert not todo.clashes


def touch_all(folder: Path, *files: str) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def planned(todo: Plan, out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in todo.jobs}


def do(jobs: Iterable[Job], out: Path, record: str = "a") -> None:
    """Stands for a run: each file gets its results and its line."""
    journal = Journal(out, {"run": record})
    for job in jobs:
        results = [job.result(suffix) for suffix in (".csv", ".json")]
        for result in results:
            result.parent.mkdir(parents=True, exist_ok=True)
            result.write_text(json.dumps({"source": {"file": str(job.source)}}, indent=2))
        journal.add(job.source, job.target, results, stamp(job.source))


@pytest.mark.parametrize("record", ["a", "b"])
def test_a_later_run_leaves_the_results_of_another_file_of_that_name(tmp_path: Path, record: str) -> None:
    touch_all(tmp_path, "camA/take1.wav", "camB/take1.wav", "camB/Take1.mp4", "camA/take1.mp4")
    out = tmp_path / "out"
    do(plan([tmp_path / "camA" / "take1.wav"], out).jobs, out)
    for given, expected in (
        ("camB/take1.wav", "camB/take1"),
        ("camB/Take1.mp4", "camB/Take1.mp4"),
        ("camA/take1.mp4", "take1.mp4"),
        ("camA/take1.wav", "take1"),
    ):
        todo = plan([tmp_path / given], out)
        assert [job.target.relative_to(out).as_posix() for job in todo.jobs] == [expected]
        do(todo.jobs, out, record)
    targets = [job.target for job in plan([tmp_path / "camA", tmp_path / "camB"], out).jobs]
    assert [target.relative_to(out).as_posix() for target in targets] == [
        "take1.mp4", "take1", "camB/Take1.mp4", "camB/take1",
    ]  # fmt: skip


def test_a_name_is_free_again_when_nothing_of_it_is_left(tmp_path: Path) -> None:
    touch_all(tmp_path, "camA/take1.wav", "camB/take1.wav")
    out = tmp_path / "out"
    do(plan([tmp_path / "camA"], out).jobs, out)
    for result in out.glob("take1.*"):
        result.unlink()
    assert planned(plan([tmp_path / "camB"], out), out) == {"take1.wav": "take1"}


@pytest.mark.parametrize("journal", [None, "", "junk", '{"journal": 1}\n[]\n{"source": 3}'])
def test_without_its_journal_a_result_says_itself_what_it_was_made_of(
    tmp_path: Path, journal: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch_all(tmp_path, "camA/take1.wav", "camB/take1.wav")
    out = tmp_path / "out"
    monkeypatch.chdir(tmp_path)
    do(plan(["camA"], out).jobs, out)
    (out / JOURNAL_NAME).unlink()
    if journal is not None:
        (out / JOURNAL_NAME).write_text(journal)
    assert planned(plan(["camB"], out), out) == {"take1.wav": "camB/take1"}
    assert planned(plan(["camA"], out), out) == {"take1.wav": "take1"}


def test_a_result_whose_file_has_moved_knows_it_by_its_contents(tmp_path: Path) -> None:
    from earwitness.detect.model.card import file_sha256

    touch_all(tmp_path, "old/take1.wav", "new/take1.wav")
    out = tmp_path / "out"
    source = {"file": "/gone/take1.wav", "sha256": file_sha256(tmp_path / "old" / "take1.wav")}
    touch_all(out, "take1.csv")
    (out / "take1.json").write_text(json.dumps({"source": source}, indent=2))
    assert planned(plan([tmp_path / "old"], out), out) == {"take1.wav": "take1"}
    assert planned(plan([tmp_path / "new"], out), out) != {"take1.wav": "take1"}


def test_what_somebody_else_wrote_is_not_overwritten(tmp_path: Path) -> None:
    touch_all(tmp_path, "in/a.wav", "in/b.wav", "in/a.csv")
    todo = plan([tmp_path / "in"], tmp_path / "in")
    assert [job.source.name for job in todo.jobs] == ["b.wav"]
    assert [failure.source.name for failure in todo.failures] == ["a.wav"]
    assert f"{tmp_path / 'in' / 'a.csv'}: exists and does not seem to be a result" in todo.failures[0].reason
    assert planned(plan([tmp_path / "in"], tmp_path / "in", [".vtt"]), tmp_path / "in") == {
        "a.wav": "a",
        "b.wav": "b",
    }


def test_nor_beside_results_of_earlier_runs(tmp_path: Path) -> None:
    touch_all(tmp_path, "in/a.wav", "in/b.wav")
    out = tmp_path / "out"
    do(plan([tmp_path / "in" / "b.wav"], out).jobs, out)
    touch_all(out, "a.csv")
    assert planned(plan([tmp_path / "in"], out), out) == {"b.wav": "b"}
    (out / JOURNAL_NAME).write_text("junk")  # of which nobody knows any more what it named
    assert planned(plan([tmp_path / "in"], out), out) == {"a.wav": "a", "b.wav": "b"}
