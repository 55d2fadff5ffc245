from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.batch.formats import write
from earwitness.batch.jobs import AlreadyDone, Done, Failure, Job
from earwitness.batch.planning import Plan
from earwitness.cli.detect import DetectOptions
from earwitness.cli.detect_run import BatchView, batch_settings, detect_files, planned
from earwitness.core.errors import NotStereoError, UsageError
from earwitness.core.events import EventTable
from earwitness.media.sound.wav import write_wav
from export_cases import OVERLAPPING, detection, run

Burst = Callable[..., NDArray[np.float32]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": []}, "INPUT"),
        ({"dcase": Path("set")}, "not both"),
        ({"engine": "cloud"}, "--engine must be one of local, ray"),
        ({"address": "auto"}, "--engine ray"),
        ({"threshold": 1.5}, "--threshold"),
        ({"threshold": float("nan")}, "--threshold"),
        ({"fov": 0.0}, "--fov"),
        ({"formats": ["vtt,paper"]}, "unknown format 'paper'"),
        ({"captions": "loud"}, "--captions"),
        ({"layout": "7.1.4"}, "--layout"),
        ({"language": "xx"}, "no captions in 'xx'"),
        ({"table": Path("all.doc")}, "written as .csv or .parquet"),
        ({"track": "first"}, "a track is a number"),
        ({"device": "tpu"}, "tpu"),
        ({"max_memory": 0.0}, "memory"),
        ({"model": "no-such-model"}, "no-such-model"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    (tmp_path / "a.wav").touch()
    settings = DetectOptions(inputs=[str(tmp_path / "a.wav")], out=tmp_path / "out")
    with pytest.raises(UsageError, match=message):
        detect_files(replace(settings, **change))
    assert not list(tmp_path.glob("out/*.json"))


def test_an_output_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="is a file"):
        detect_files(DetectOptions(inputs=["a.wav"], out=tmp_path / "out"))


def test_the_settings_of_a_file() -> None:
    batch = batch_settings(
        DetectOptions(formats=["VTT,html", "vtt"], captions="full", track="0+1", allow_mono=True, render=True)
    )
    assert [chosen.name for chosen in batch.formats] == ["csv", "json", "vtt", "html"]
    assert {chosen.options.captions for chosen in batch.formats} == {"full"}
    assert (batch.detect.track, batch.detect.allow_mono, batch.render) == ((0, 1), True, True)


def test_the_plan_reserves_the_names_of_all_results(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.growing.jsonl").touch()
    settings = DetectOptions(inputs=[str(tmp_path / "a.wav")], out=tmp_path / "out")
    assert len(planned(settings, batch_settings(settings)).jobs) == 1
    growing = replace(settings, grow=True)
    assert not planned(growing, batch_settings(growing)).jobs, "somebody else's file has the name"


def test_failures_are_counted_and_other_files_are_processed(
    tmp_path: Path, make_burst: Burst, meter_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wav(tmp_path / "good.wav", make_burst(3, (1, 2, 40)), 24_000)
    (tmp_path / "bad.wav").write_bytes(b"not sound")
    settings = DetectOptions(
        inputs=[str(tmp_path / "*.wav"), str(tmp_path / "missing.wav")], out=tmp_path / "out", model=str(meter_model),
        vision=None, quiet=True,
    )  # fmt: skip
    assert detect_files(settings) == 2
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["good.csv", "good.json"]
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 2
    assert detect_files(replace(settings, inputs=[str(tmp_path / "good.wav")])) == 0


def test_clips_and_one_table_are_written_once(meter_model: Path, make_burst: Burst, tmp_path: Path) -> None:
    for name, start in (("a", 0.5), ("b", 1.0)):
        write_wav(tmp_path / "in" / f"{name}.wav", make_burst(3, (start, start + 0.8, 40)), 24_000)
    options = DetectOptions(
        inputs=[str(tmp_path / "in")], out=tmp_path / "out", model=str(meter_model), no_vision=True, clips=True,
        table=tmp_path / "out" / "all.csv", formats=["srt"], language="de", quiet=True,
    )  # fmt: skip
    assert detect_files(options) == 0
    assert [line.split(",")[3:5] for line in (tmp_path / "out" / "all.csv").read_text().splitlines()[1:]] == [
        ["0.8", "music"], ["0.8", "music"],
    ]  # fmt: skip
    assert "[♪ Musik spielt, links ♪]" in (tmp_path / "out" / "a.srt").read_text()
    (clip,) = (tmp_path / "out" / "a.clips").iterdir()
    assert clip.name.startswith("a_0001_0.0s_music")
    before = clip.stat().st_mtime_ns
    assert detect_files(options) == 0
    assert clip.stat().st_mtime_ns == before, "finished files are not cut again"
    again = planned(replace(options, inputs=[str(tmp_path / "out")], out=tmp_path / "out"), batch_settings(options))
    assert again.jobs == (), "clips are results, not recordings"
    with pytest.raises(UsageError, match="not with --dcase"):
        detect_files(replace(options, inputs=[], dcase=tmp_path))


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
