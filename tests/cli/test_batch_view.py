from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.batch.formats import write
from earwitness.batch.jobs import AlreadyDone, Done, Failure, Job
from earwitness.batch.planning import Plan
from earwitness.cli.batch_view import BatchView
from earwitness.core.errors import NotStereoError
from earwitness.core.events import EventTable
from earwitness.media.sound.wav import write_wav
from export_cases import OVERLAPPING, detection, run

JOBS = tuple(Job(Path(f"{name}.wav"), Path("out") / name) for name in "abc")


def done(job: Job, table: EventTable = OVERLAPPING) -> Done:
    return Done(job, detection(table, media=None), (job.result(".csv"), job.result(".json")))


def test_one_file_shows_its_events_and_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    with BatchView(Plan(JOBS[:1], (), ()), Path("out"), quiet=False) as view:
        view.progress(JOBS[0], 0.5)
        view.show(done(JOBS[0]))
    said = capsys.readouterr()
    assert "4 events in 0:08.0 of sound, 1 of 1 files" in said.out
    assert "written: out/a.csv, out/a.json" in said.out
    assert said.err == "earwitness: a.wav: warning: a warning\n"
    assert view.failed == 0


def test_many_files_are_counted_and_failures_named(capsys: pytest.CaptureFixture[str]) -> None:
    with BatchView(Plan(JOBS, (), ("a",)), Path("out"), quiet=False) as view:
        view.show(done(JOBS[0], run(0, 10, 3, 20)))
        view.show(Failure(JOBS[1].source, NotStereoError("b.wav: is mono")))
        view.show(AlreadyDone(JOBS[2], ()))
    said = capsys.readouterr()
    assert view.failed == 1
    assert "b.wav: is mono (--mono)" in said.err
    assert "1 events in 0:08.0 of sound, 1 of 3 files" in said.out
    assert "1 files are unchanged since an earlier run" in said.out
    assert "files of the same name have results in subfolders or with their extension: a" in said.out


def test_a_finished_file_alone_shows_its_saved_events_even_if_they_were_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(tmp_path / "a.wav", tmp_path / "a")
    write_wav(job.source, np.zeros((2, 24_000), np.float32), 24_000)
    write(detection(run(0, 10, 3, 20), media=None), job.result(".json"), "json")
    for expected in (True, False):
        with BatchView(Plan((job,), (), ()), tmp_path, quiet=False) as view:
            view.show(AlreadyDone(job, (job.result(".json"),)))
        said = capsys.readouterr().out
        assert ("0:00.0-0:01.0" in said) is expected
        assert "the file is unchanged since an earlier run" in said
        job.result(".json").write_text("{}")


def test_quiet_prints_problems_only(capsys: pytest.CaptureFixture[str]) -> None:
    with BatchView(Plan(JOBS[:2], (), ()), Path("out"), quiet=True) as view:
        view.show(done(JOBS[0]))
        view.show(Failure(JOBS[1].source, OSError(28, "No space left on device")))
    said = capsys.readouterr()
    assert said.out == ""
    assert "b.wav: No space left on device; check folder, permissions and disk space" in said.err


def test_ctrl_c_says_how_to_continue(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        with BatchView(Plan(JOBS, (), ()), Path("out"), quiet=False) as view:
            view.show(done(JOBS[0]))
            view.show(AlreadyDone(JOBS[1], ()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    said = capsys.readouterr().err
    assert "stopped; the results of 2 of 3 files are complete; run the same command again to continue" in said
