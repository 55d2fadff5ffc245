from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from earwitness.batch.jobs import Job
from earwitness.batch.journal import JOURNAL_NAME, Journal
from earwitness.batch.planning import Plan, plan
from earwitness.core.files.digests import stamp


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def names(todo: Plan, out: Path) -> dict[str, str]:
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
    touch(tmp_path, "camA/take1.wav", "camB/take1.wav", "camB/Take1.mp4", "camA/take1.mp4")
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
    touch(tmp_path, "camA/take1.wav", "camB/take1.wav")
    out = tmp_path / "out"
    do(plan([tmp_path / "camA"], out).jobs, out)
    for result in out.glob("take1.*"):
        result.unlink()
    assert names(plan([tmp_path / "camB"], out), out) == {"take1.wav": "take1"}


@pytest.mark.parametrize("journal", [None, "", "junk", '{"journal": 1}\n[]\n{"source": 3}'])
def test_without_its_journal_a_result_says_itself_what_it_was_made_of(
    tmp_path: Path, journal: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "camA/take1.wav", "camB/take1.wav")
    out = tmp_path / "out"
    monkeypatch.chdir(tmp_path)
    do(plan(["camA"], out).jobs, out)
    (out / JOURNAL_NAME).unlink()
    if journal is not None:
        (out / JOURNAL_NAME).write_text(journal)
    assert names(plan(["camB"], out), out) == {"take1.wav": "camB/take1"}
    assert names(plan(["camA"], out), out) == {"take1.wav": "take1"}


def test_a_result_whose_file_has_moved_knows_it_by_its_contents(tmp_path: Path) -> None:
    from earwitness.detect.model.card import file_sha256

    touch(tmp_path, "old/take1.wav", "new/take1.wav")
    out = tmp_path / "out"
    source = {"file": "/gone/take1.wav", "sha256": file_sha256(tmp_path / "old" / "take1.wav")}
    touch(out, "take1.csv")
    (out / "take1.json").write_text(json.dumps({"source": source}, indent=2))
    assert names(plan([tmp_path / "old"], out), out) == {"take1.wav": "take1"}
    assert names(plan([tmp_path / "new"], out), out) != {"take1.wav": "take1"}


def test_what_somebody_else_wrote_is_not_overwritten(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.wav", "in/b.wav", "in/a.csv")
    todo = plan([tmp_path / "in"], tmp_path / "in")
    assert [job.source.name for job in todo.jobs] == ["b.wav"]
    assert [failure.source.name for failure in todo.failures] == ["a.wav"]
    assert f"{tmp_path / 'in' / 'a.csv'}: exists and does not seem to be a result" in todo.failures[0].reason
    assert names(plan([tmp_path / "in"], tmp_path / "in", [".vtt"]), tmp_path / "in") == {"a.wav": "a", "b.wav": "b"}


def test_nor_beside_results_of_earlier_runs(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.wav", "in/b.wav")
    out = tmp_path / "out"
    do(plan([tmp_path / "in" / "b.wav"], out).jobs, out)
    touch(out, "a.csv")
    assert names(plan([tmp_path / "in"], out), out) == {"b.wav": "b"}
    (out / JOURNAL_NAME).write_text("junk")  # of which nobody knows any more what it named
    assert names(plan([tmp_path / "in"], out), out) == {"a.wav": "a", "b.wav": "b"}


def targets(inputs: list[Path], out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in plan(inputs, out).jobs}
