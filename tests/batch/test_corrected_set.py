"""Training data from corrected results: the command end to end, read back by the checks and the reader of data sets."""

from __future__ import annotations

import json
import wave
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.batch.corrected_set import CorrectedSet, find_corrected, make_corrected_set
from earwitness.cli.main import app
from earwitness.core.classes.class_files import classes_of, vocabulary_of
from earwitness.core.errors import LabelError, UsageError
from earwitness.core.events import EventTable
from earwitness.data.dcase.check import check
from earwitness.data.dcase.labels import read_table
from earwitness.data.dcase.layout import scan
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import read_pcm
from earwitness.media.writer import MediaWriter
from earwitness.results.detection import Detection, ModelId
from earwitness.results.document import to_json

SECONDS = 7


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise that is louder on the left, and pictures with a white column in the middle."""
    return make_video(tmp_path_factory.mktemp("media") / "clip one.mp4", 0)


def make_video(path: Path, seed: int) -> Path:
    with MediaWriter(path, 320, 180, Fraction(10), audio_rate=48_000, preset="ultrafast") as writer:
        for k in range(SECONDS * 10):
            picture = np.full((180, 320, 3), 90, np.uint8)
            picture[:, 156:164] = 255
            writer.write_frame(picture, k / 10)
        noise = np.random.default_rng(seed).uniform(-0.3, 0.3, SECONDS * 48_000).astype(np.float32)
        writer.write_audio(np.stack([noise, 0.2 * noise]))
    return path


def corrected(path: Path, media: Path, azimuth: float = 20.0, **changes: object) -> Path:
    table = EventTable.concatenate(
        [
            EventTable.from_columns(
                frame=np.arange(10, 45), class_index=3, azimuth=azimuth, distance=2.0, onscreen=True
            ),
            EventTable.from_columns(frame=np.arange(52, 60), class_index=0, azimuth=-30, distance=1.5, source=1),
        ],
        num_frames=SECONDS * 10,
    )
    result = Detection(
        table, ModelId("tiny", "ab"), float(SECONDS), Path(media.name), has_video=True,
        settings={"corrections": {"changed": 1}, "fov": 100.0}, sha256=sha256(media.read_bytes()).hexdigest(),
    )  # fmt: skip
    path.write_text(to_json(replace(result, **changes)))  # type: ignore[arg-type]
    return path


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["dataset", "from-corrections", *map(str, arguments)])
    error = "" if done.exception is None or isinstance(done.exception, SystemExit) else str(done.exception)
    return done.exit_code, done.output + error


def test_clips_of_a_corrected_result(video: Path, tmp_path: Path) -> None:
    corrected(tmp_path / "clip one.corrected.json", video)
    code, said = run(tmp_path, "--media", video.parent, "--out", tmp_path / "set")
    assert code == 0, said
    assert "2 clips of 5 s from 1 files (7 s)" in said
    clips = scan(tmp_path / "set").clips
    assert [clip.parsed.start for clip in clips if clip.parsed] == [0, 50]
    assert all(clip.sound and clip.labels and clip.picture for clip in clips)
    first, second = (read_table(clip.labels) for clip in clips if clip.labels)
    assert (len(first), len(second)) == (35, 8)
    assert (first.frame[0], second.frame[0], second.class_index[0], second.azimuth[0]) == (10, 2, 0, -30)
    sounds = [read_pcm(clip.sound) for clip in clips if clip.sound]
    assert [sound.shape for sound in sounds] == [(2, 120_000)] * 2
    rms = np.sqrt(np.mean(np.square(sounds[0]), axis=1))
    assert rms[1] / rms[0] == pytest.approx(0.2, abs=0.03)
    assert np.abs(sounds[1][:, 50_000:]).max() == 0, "silence beyond the end"
    pictures = [list(PictureReader(clip.picture)) for clip in clips if clip.picture]
    assert [len(one) for one in pictures] == [150, 150]
    assert pictures[0][0].rgb.shape == (360, 640, 3)
    assert pictures[0][9].rgb[:, 318:322].mean() > 220
    report = check(tmp_path / "set")
    assert {problem.kind for problem in report.problems} <= {"silent"}, report.problems
    # Again, after another correction: the same clips, other labels.
    corrected(tmp_path / "clip one.corrected.json", video, azimuth=-50.0)
    assert run(tmp_path, "--media", video, "--out", tmp_path / "set", "--no-video")[0] == 0
    again = scan(tmp_path / "set").clips
    assert [clip.name for clip in again] == [clip.name for clip in clips]
    assert read_table(again[0].labels or Path()).azimuth[0] == -50


def test_narrow_fields_of_view_are_framed_in_black(video: Path, tmp_path: Path) -> None:
    path = corrected(tmp_path / "a.json", video, settings={"fov": 50.0, "swap_channels": True})
    report = make_corrected_set([path], [video], CorrectedSet(tmp_path / "set", "dev-test-own"))
    assert report.uncorrected == ["a.json"]
    clip = scan(tmp_path / "set").of("dev-test-own")[0]
    assert clip.parsed is not None
    assert clip.parsed.fold == 4
    picture = next(iter(PictureReader(clip.picture or Path()))).rgb.astype(int).mean(axis=2)
    lit = np.flatnonzero(picture[180] > 45)
    expected = 640 * np.tan(np.radians(25)) / np.tan(np.radians(50))
    assert lit.size == pytest.approx(expected, abs=6)
    assert (lit[0] + lit[-1]) / 2 == pytest.approx(319.5, abs=3)
    sound = read_pcm(clip.sound or Path())
    assert np.square(sound[1]).mean() > 10 * np.square(sound[0]).mean(), "the channels are exchanged, as in detection"


def test_events_without_direction_or_distance(video: Path, tmp_path: Path) -> None:
    path = corrected(tmp_path / "a.corrected.json", video, azimuth=float("nan"))
    code, said = run(path, "--media", video, "--out", tmp_path / "set")
    assert code == 0
    assert "1 clips left out: an event has no direction" in said
    document = json.loads(corrected(path, video).read_text())
    document["events"][0]["track"]["distance"] = [None] * 35
    path.write_text(json.dumps(document))
    assert "1 clips left out: an event has no distance" in run(path, "--media", video, "--out", tmp_path / "other")[1]
    code, said = run(path, "--media", video, "--out", tmp_path / "third", "--unknown-distance", 1.5)
    assert "2 clips of 5 s" in said


def test_misuse_is_one_line(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    with pytest.raises(LabelError, match=r"no \*\.corrected\.json; save corrections in the report"):
        find_corrected([tmp_path])
    with pytest.raises(LabelError, match="no such file or folder"):
        find_corrected([tmp_path / "none.json"])
    path = corrected(tmp_path / "a.corrected.json", video)
    with pytest.raises(LabelError, match=r"its media file 'clip one\.mp4' was not found; name it"):
        make_corrected_set([path], [], CorrectedSet(out))
    other = tmp_path / "clip one.mp4"
    with wave.open(str(other), "wb") as file:
        file.setparams((2, 2, 24_000, 0, "NONE", ""))
        file.writeframes(bytes(4 * 24_000))
    with pytest.raises(LabelError, match="is not the file that was analysed"):
        make_corrected_set([path], [other], CorrectedSet(out))
    for split in ("train", "dev-train-../x", "dev-other-a"):
        with pytest.raises(UsageError, match="--split must begin with"):
            CorrectedSet(out, split)
    assert not out.exists()


def test_training_takes_the_set(video: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from earwitness.features.config import FeatureConfig
    from earwitness.training.data.training_sources import open_sources
    from earwitness.training.recipe_sections import DataSpec

    other = make_video(tmp_path / "other.mp4", 1)
    for media, name in ((video, "train"), (other, "valid")):
        path = corrected(tmp_path / f"{name}.json", media)
        make_corrected_set([path], [media], CorrectedSet(tmp_path / name, video=False))
    spec = DataSpec.model_validate(
        {"folders": [{"root": str(tmp_path / "train")}], "valid_folder": {"root": str(tmp_path / "valid")}}
    )
    sources = open_sources(spec, FeatureConfig())
    assert (sources.train_clips, sources.valid_clips) == (2, 2)


def test_own_classes_are_stated_and_not_mixed(video: Path, tmp_path: Path) -> None:
    own = vocabulary_of(["kettle", "cat"], "own")
    table = replace(
        EventTable.from_columns(frame=np.arange(10, 40), class_index=1, azimuth=20, distance=2, num_frames=70),
        vocabulary=own,
    )
    path = tmp_path / "own.json"
    path.write_text(to_json(Detection(table, ModelId("tiny", "ab"), float(SECONDS), Path(video.name), has_video=True)))
    make_corrected_set([path], [video], CorrectedSet(tmp_path / "set", video=False))
    clip = scan(tmp_path / "set").clips[0]
    assert clip.labels is not None
    assert classes_of(clip.labels.parent).slugs == ("kettle", "cat")
    other = corrected(tmp_path / "other.json", video)
    with pytest.raises(LabelError, match=r"other\.json: .*holds labels of other classes"):
        make_corrected_set([other], [video], CorrectedSet(tmp_path / "set", video=False))
