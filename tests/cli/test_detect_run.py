from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.cli.detect_options import DetectOptions
from earwitness.cli.detect_run import batch_settings, detect_files, planned
from earwitness.core.errors import UsageError
from earwitness.media.sound.wav import write_wav

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
    with pytest.raises(UsageError, match="not with --dcase"):
        detect_files(replace(options, inputs=[], dcase=tmp_path))
