from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.batch.formats import write
from earwitness.cli.main import app
from earwitness.core.errors import EncoderError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.geometry import Camera
from earwitness.detect.detector import Detector
from earwitness.detect.file_progress import SOUND_SHARE
from earwitness.fusion import visual_analysis as eyes_module
from earwitness.fusion.fuse import fuse_long
from earwitness.fusion.fusion_settings import FusionSettings, KindWeights
from earwitness.fusion.visual_analysis import VisualAnalysis, open_visual_analysis, picture_warnings
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter
from earwitness.results.document import read_document, to_json
from earwitness.results.saved import read_result
from earwitness.vision.boxes import PERSON, Boxes
from earwitness.vision.candidates import CandidateIndex
from earwitness.vision.detectors.detector_registry import open_detector
from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.observe import Observation
from earwitness.vision.shots import Shot

Burst = Callable[..., NDArray[np.float32]]
WEIGHTS = KindWeights(bias=(-1.0,) * 13, motion=(2.0,) * 13, contrast=(2.0,) * 13, sigma_deg=3.0)
SETTINGS = FusionSettings(
    fitted_on="nothing: a test",
    sigma_deg=(8.0,) * 13,
    kinds={"person": WEIGHTS, "motion": WEIGHTS, "thing": WEIGHTS},
    unseen_on=(0.1,) * 13,
    unseen_off=(0.1,) * 13,
)


class Blind:
    """A detector that finds nobody."""

    name = "blind"

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        return [Boxes.none() for _ in pictures]


@pytest.fixture
def visual_analysis(tmp_path: Path) -> VisualAnalysis:
    return VisualAnalysis(Blind(), settings=SETTINGS, cache=tmp_path / "cache")


@pytest.fixture
def clip(tmp_path: Path, make_burst: Burst) -> Path:
    """Six seconds; a sound at 24 degrees from 2 to 4 s, while something moves at 30 degrees."""
    sound, path = tmp_path / "sound.wav", tmp_path / "clip.mp4"
    write_wav(sound, make_burst(6, (2.0, 4.0, 24)), 24_000)
    column = round(160 - 160 / np.tan(np.radians(50)) * np.tan(np.radians(30)))
    with MediaWriter(path, 320, 180, Fraction(10), copy_audio_from=sound) as writer:
        for frame in range(60):
            picture = np.full((180, 320, 3), 110, np.uint8)
            left = column - 12 + (4 * (frame % 2) if 20 <= frame < 40 else 0)
            picture[60:100, left : left + 20] = (200, 180, 40)
            writer.write_frame(picture, frame / 10)
    return path


def test_an_event_moves_to_the_moving_region(meter_model: Path, clip: Path, visual_analysis: VisualAnalysis) -> None:
    alone = Detector.load(meter_model, vision=None)
    (before,) = alone.detect(clip).events
    seeing = Detector(alone._runner, alone.model, visual_analysis)
    detection = seeing.detect(clip)
    (after,) = detection.events
    assert before.azimuth == pytest.approx(24, abs=2)
    assert after.azimuth == pytest.approx(30, abs=3)
    assert after.azimuth > before.azimuth + 2
    assert after.onscreen
    assert (after.start, after.end, after.distance) == (before.start, before.end, before.distance)
    assert detection.settings["vision"]["detector"] == "blind"
    assert detection.settings["fov"] == 100.0


def test_the_field_of_view_moves_the_event(meter_model: Path, clip: Path, visual_analysis: VisualAnalysis) -> None:
    alone = Detector.load(meter_model, vision=None)
    (after,) = Detector(alone._runner, alone.model, visual_analysis).detect(clip, fov=40.0).events
    assert after.azimuth == pytest.approx(24, abs=3)  # at 40 degrees, what moves is at 10, and 24 is off screen
    assert not after.onscreen


def test_black_bars_are_not_part_of_the_view(
    meter_model: Path, clip: Path, visual_analysis: VisualAnalysis, tmp_path: Path
) -> None:
    barred = tmp_path / "barred.mp4"
    with MediaWriter(barred, 640, 180, Fraction(10), copy_audio_from=clip) as writer:
        for picture in PictureReader(clip):
            wide = np.pad(picture.rgb, ((0, 0), (160, 160), (0, 0)))
            writer.write_frame(wide, picture.time)
    alone = Detector.load(meter_model, vision=None)
    detection = Detector(alone._runner, alone.model, visual_analysis).detect(barred)
    (after,) = detection.events
    assert after.azimuth == pytest.approx(30, abs=3)
    assert after.onscreen
    assert detection.view.fov == 100
    assert detection.view.share == pytest.approx(0.5, abs=0.02)
    column = Camera(640, 180, detection.view.whole_fov).column(30)  # where it is drawn, is what moves
    assert float(column) == pytest.approx(160 + float(Camera(320, 180, 100).column(30)), abs=4)
    write(detection, tmp_path / "barred.json", "json")
    assert read_result(tmp_path / "barred.json").view == detection.view


def test_results_without_cache_are_the_same(
    meter_model: Path, clip: Path, visual_analysis: VisualAnalysis, tmp_path: Path
) -> None:
    alone = Detector.load(meter_model, vision=None)
    kept = Detector(alone._runner, alone.model, visual_analysis).detect(clip)
    other = tmp_path / "other"
    for _ in range(2):
        forgetful = VisualAnalysis(Blind(), settings=SETTINGS, cache=other, keep=False)
        detection = Detector(alone._runner, alone.model, forgetful).detect(clip)
        assert detection.visual is not None
        assert not detection.visual.from_cache
        assert to_json(detection) == to_json(kept)
    assert not other.exists()
    assert any((tmp_path / "cache").iterdir())


def test_the_document_says_what_was_done_and_why(
    meter_model: Path, clip: Path, visual_analysis: VisualAnalysis, tmp_path: Path
) -> None:
    alone = Detector.load(meter_model, vision=None)
    detection = Detector(alone._runner, alone.model, visual_analysis).detect(clip)
    path = tmp_path / "clip.json"
    path.write_text(to_json(detection))
    document = read_document(path)
    assert document.visual is not None
    things = {thing.seen: thing for thing in document.visual.seen}
    assert {thing.what for thing in things.values()} == {"motion"}
    for thing in things.values():
        assert thing.azimuth_deg == pytest.approx(30, abs=5)
    (event,) = document.events
    done = event.visual
    assert done is not None
    assert done.azimuth_before_deg == pytest.approx(24, abs=2)
    assert done.distance_before_m == pytest.approx(event.distance_m, abs=0.01)  # a region's size tells nothing
    assert things[done.seen].what == done.what
    assert done.common_cause > 0.5
    assert "a moving region" in done.why
    assert done.why.endswith("%)")
    assert 0 < done.box[0] < done.box[2] < 0.5
    lengths = {len(column) for column in done.track.model_dump().values()}
    assert lengths == {len(event.track.frames)}
    assert "visual" in json.loads(path.read_text())["events"][0]


def test_sound_alone_says_nothing_about_pictures(meter_model: Path, clip: Path, tmp_path: Path) -> None:
    alone = Detector.load(meter_model, vision=None)
    detection = alone.detect(clip)
    assert detection.visual is None
    assert detection.settings["vision"] is None
    assert detection.settings["vision_off"] == "turned off"
    values = json.loads(to_json(detection))
    assert values["visual"] is None
    assert values["events"][0]["visual"] is None


def test_a_still_cover_picture_is_no_view(
    meter_model: Path, make_burst: Burst, visual_analysis: VisualAnalysis, tmp_path: Path
) -> None:
    sound, path = tmp_path / "sound.wav", tmp_path / "still.mp4"
    write_wav(sound, make_burst(3, (1.0, 2.0, 24)), 24_000)
    with MediaWriter(path, 320, 180, Fraction(10), copy_audio_from=sound) as writer:
        writer.write_frame(np.full((180, 320, 3), 110, np.uint8), 0.0)
    alone = Detector.load(meter_model, vision=None)
    detection = Detector(alone._runner, alone.model, visual_analysis).detect(path)
    assert detection.visual is None
    assert not any(event.onscreen for event in detection.events)
    assert len(detection.events) == 1
    assert "vision" not in detection.settings


def test_pictures_that_break_cost_the_sound_nothing(
    meter_model: Path, clip: Path, visual_analysis: VisualAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earwitness.core.errors import UnreadableMediaError

    def broken(*_: object) -> None:
        raise UnreadableMediaError("clip.mp4: none of its pictures can be decoded")

    monkeypatch.setattr(eyes_module, "cached_observation", broken)
    alone = Detector.load(meter_model, vision=None)
    detection = Detector(alone._runner, alone.model, visual_analysis).detect(clip)
    assert len(detection.events) == 1
    assert any("could not be analysed" in warning for warning in detection.warnings)


def test_detectors_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path))
    none, why = open_visual_analysis("auto")
    assert none is None
    assert "models pull pose" in why
    assert open_visual_analysis(None) == (None, "turned off")
    with pytest.raises(UsageError, match="choose one of: pose, vitpose, owlvit-boxes"):
        open_detector("yolo")
    with pytest.raises(EncoderError, match="pull pose"):
        open_visual_analysis("pose")
    (tmp_path / "models" / "pose").mkdir(parents=True)
    (tmp_path / "models" / "pose" / "files.json").write_text("{")
    none, why = open_visual_analysis("auto")
    assert none is None
    assert "damaged" in why
    with pytest.raises(EncoderError, match="damaged"):
        open_visual_analysis("pose")


def test_progress_covers_sound_and_pictures(meter_model: Path, clip: Path, visual_analysis: VisualAnalysis) -> None:
    told: list[tuple[float, float | None]] = []
    detector = Detector.load(meter_model, vision=None)
    detector.visual_analysis = visual_analysis
    detector.detect(clip, lambda done, total: told.append((done, total)))
    done, total = [one for one, _ in told], told[0][1]
    assert total is not None
    assert done == sorted(done)
    assert done[-1] == pytest.approx(total)
    assert any(SOUND_SHARE * total < one < total for one in done)  # while it looked


def test_a_field_of_view_that_cannot_be(clip: Path, visual_analysis: VisualAnalysis) -> None:
    from earwitness.core.events import EventTable

    for fov in (0.0, 180.0, float("nan")):
        with pytest.raises(UsageError, match="field of view"):
            visual_analysis.analyse(clip, EventTable.empty(60), fov)


def test_the_command_reports_missing_vision(
    meter_model: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "empty"))
    arguments = ["detect", str(clip), "--model", str(meter_model), "--out", str(tmp_path / "out")]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert "models pull pose" in " ".join(first.output.split())
    silent = CliRunner().invoke(app, [*arguments, "--no-vision", "--again"])
    assert silent.exit_code == 0
    assert "not analysed" not in " ".join(silent.output.split())
    wrong = CliRunner().invoke(app, [*arguments, "--vision", "yolo"])
    assert isinstance(wrong.exception, UsageError) or wrong.exit_code == 2


WARNING_WEIGHTS = KindWeights(bias=(0.0,) * 13)
WARNING_SETTINGS = FusionSettings(
    sigma_deg=(8.0,) * 13,
    kinds={"person": WARNING_WEIGHTS, "motion": WARNING_WEIGHTS, "thing": WARNING_WEIGHTS},
    unseen_on=(0.1,) * 13,
    unseen_off=(0.1,) * 13,
)


def warnings(side: float, fov: float = 100.0, size: tuple[int, int] = (320, 180), *stops: int) -> list[str]:
    """Three events of a man heard at +-30 degrees, while one stands 30 degrees to the left in the picture."""
    width, height = size
    column = width / 2 - width / 2 / np.tan(np.radians(fov / 2)) * np.tan(np.radians(30))
    seen = Boxes.of([[column - 15, 20, column + 15, 160]], [0.9], PERSON)
    looks = np.arange(0, 120, 5)
    bounds = [0, *stops, 120]
    shots = tuple(Shot(a, b, (0, 0, width, height)) for a, b in pairwise(bounds))
    motion = np.zeros((120, ROWS, COLUMNS), np.uint8)
    observation = Observation(width, height, (0, 0, width, height), looks, (seen,) * len(looks), motion, (), shots)
    frame = np.array([f for f in range(120) if f % 40 < 30], np.int32)
    table = EventTable.from_columns(
        frame=frame, class_index=1, source=0, azimuth=30 * side, distance=2.0, onscreen=True, score=0.9, num_frames=120
    )
    candidate_index = CandidateIndex(observation, fov)
    fused: Any = fuse_long(table, candidate_index, fov, WARNING_SETTINGS)
    return list(picture_warnings(table, fused, candidate_index, observation, fov, WARNING_SETTINGS))


def test_sound_and_picture_that_fit_need_no_warning() -> None:
    assert warnings(1) == []


def test_exchanged_channels_are_told_by_the_picture() -> None:
    (said,) = warnings(-1)
    assert "--swap-channels" in said


def test_an_upright_picture_and_the_default_view() -> None:
    assert any("--fov" in said for said in warnings(1, 100.0, (180, 320)))
    assert warnings(1, 70.0, (180, 320)) == []


def test_shots_are_counted() -> None:
    assert any("the video has 3 shots" in said for said in warnings(1, 100.0, (320, 180), 40, 80))


@pytest.mark.parametrize("azimuth", [2.0, 80.0])
def test_what_is_ahead_or_beyond_the_picture_says_nothing_of_sides(azimuth: float) -> None:
    assert not any("--swap-channels" in said for said in warnings(-azimuth / 30))
