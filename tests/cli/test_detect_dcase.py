"""From the evaluation clips of a DCASE set to the zip file that is handed in."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.data.dcase.labels import HEADER, read_table
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter

RATE = 24_000


@pytest.fixture
def dataset(tmp_path: Path, make_burst: Callable[..., NDArray[np.float32]]) -> Path:
    """Four clips: a sound 40 degrees to the left with a picture, the same without, silence, and dual mono."""
    root = tmp_path / "set"
    left = make_burst(5.0, (1.0, 2.0, 40.0))
    sounds = {"clip1": left, "clip2": left, "clip3": np.zeros((2, 5 * RATE)), "clip4": np.stack([left[0], left[0]])}
    for name, sound in sounds.items():
        write_wav(root / "stereo_eval" / "eval" / f"{name}.wav", sound, RATE)
    with MediaWriter(root / "video_eval" / "eval" / "clip1.mp4", 64, 36, Fraction(10), preset="ultrafast") as video:
        for number in range(50):
            picture = np.random.default_rng(number).integers(0, 255, (36, 64, 3), dtype=np.uint8)
            video.write_frame(picture, number / 10)
    write_wav(root / "stereo_dev" / "dev-test-tau" / "fold4_room8_mix001_deg000_start0000.wav", left, RATE)
    return root


def run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    return done.exit_code, f"{done.output}{done.exception or ''}"


def test_from_clips_to_the_zip_file(dataset: Path, meter_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "predictions"
    code, said = run("detect", "--dcase", dataset, "--out", out, "--model", meter_model, "--quiet")
    assert code == 0, said
    names = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    assert names == [f"clip{number}.csv" for number in (1, 2, 3, 4)]
    seen, unseen, silent, mono = (read_table(out / name) for name in names)
    assert seen.onscreen.all()  # the picture lies in a file of its own
    assert not unseen.onscreen.any()
    assert seen.azimuth == pytest.approx(40, abs=3)
    assert set(seen.frame.tolist()) >= set(range(11, 19))
    assert (out / "clip3.csv").read_text() == HEADER + "\n"
    assert len(silent) == 0
    assert len(mono)
    assert (mono.azimuth == 0).all()
    more = ("--format", "vtt,srt", "--captions", "full")
    code, said = run("detect", "--dcase", dataset, "--out", tmp_path / "more", "--model", meter_model, "--quiet", *more)
    assert code == 0, said
    assert "on screen" in (tmp_path / "more" / "clip1.srt").read_text()  # the terse style does not say that
    code, said = run("dataset", "submission", out, "--eval", dataset, "--out", tmp_path / "task3.zip")
    assert code == 0, said
    assert zipfile.ZipFile(tmp_path / "task3.zip").namelist() == names


def test_a_damaged_clip_is_named_and_the_submission_refused(dataset: Path, meter_model: Path, tmp_path: Path) -> None:
    (dataset / "stereo_eval" / "eval" / "clip2.wav").write_bytes(b"RIFF")
    out = tmp_path / "predictions"
    code, said = run("detect", "--dcase", dataset, "--out", out, "--model", meter_model, "--quiet")
    assert code == 1
    assert "clip2.wav" in said
    assert (out / "clip1.csv").is_file()
    code, said = run("dataset", "submission", out, "--eval", dataset, "--out", tmp_path / "task3.zip")
    assert code == 1
    assert "clip2.csv is missing" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name INPUT files, or a data set with --dcase"),
        (["clip.wav", "--dcase", "."], "not both"),
        (["--dcase", "nowhere"], "nowhere: no such folder"),
        (["--dcase", "."], "has no clips"),
        (["--dcase", ".", "--format", "csv"], "remove csv from"),
    ],
)
def test_wrong_usage(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meter_model: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = run("detect", *arguments, "--model", meter_model)
    assert code != 0
    assert message in said
    assert not (tmp_path / "earwitness-out").exists()
