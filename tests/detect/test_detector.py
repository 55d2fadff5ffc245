from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import earwitness
from earwitness.core.errors import NotStereoError, UnreadableMediaError, UsageError
from earwitness.core.events import EventTable
from earwitness.detect.detector import CHANGED, Detector
from earwitness.detect.model.card import card_path, read_card
from earwitness.detect.smoothing import Smoothing
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter

Burst = Callable[..., NDArray[np.float32]]
MUSIC = 8


@pytest.fixture(scope="module")
def meter(meter_model: Path) -> Detector:
    return Detector.load(meter_model)


@pytest.fixture(scope="module")
def busy(random_model: Path) -> Detector:
    return Detector.load(random_model)


def video_of(path: Path, stereo: NDArray[np.float32]) -> Path:
    source = path.with_suffix(".wav")
    write_wav(source, stereo, 24_000)
    wall = np.random.default_rng(0).integers(40, 200, (48, 64, 3)).astype(np.uint8)
    with MediaWriter(path, 64, 48, Fraction(10), copy_audio_from=source) as writer:
        for frame in range(stereo.shape[1] // 2400):
            writer.write_frame(np.roll(wall, frame % 3, axis=1), frame / 10)
    return path


def test_what_when_where_and_how_far(meter: Detector, make_burst: Burst) -> None:
    detection = meter.detect_array(make_burst(12, (1.0, 2.0, 40), (7.5, 9.5, -25)), 24_000)
    first, second = detection.events
    assert first.sound_class.slug == "music"
    assert (first.start, first.end) == (pytest.approx(1.0, abs=0.11), pytest.approx(2.0, abs=0.11))
    assert (second.start, second.end) == (pytest.approx(7.5, abs=0.11), pytest.approx(9.5, abs=0.11))
    assert first.azimuth == pytest.approx(40, abs=3)
    assert second.azimuth == pytest.approx(-25, abs=3)
    assert first.distance == pytest.approx(2.5, abs=0.01)
    assert detection.table.num_frames == 120
    assert detection.duration == pytest.approx(12)
    assert detection.warnings == []
    assert detection.model.name == "meter"
    assert len(detection.model.sha256) == 64


def test_the_package_offers_the_detector(meter_model: Path, make_burst: Burst, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    write_wav(path, make_burst(3, (1, 2, 30)), 24_000)
    (event,) = earwitness.Detector.load(meter_model).detect(path).events
    assert event.azimuth == pytest.approx(30, abs=3)


@pytest.mark.parametrize("seconds", [0.04, 0.31, 3.0, 5.0, 12.34])
def test_a_file_and_its_samples_give_the_same(
    busy: Detector, make_burst: Burst, tmp_path: Path, seconds: float
) -> None:
    stereo = np.rint(make_burst(seconds, (0, seconds, 20)) * 32767) / 32768  # as 16-bit samples come back
    path = tmp_path / "clip.wav"
    write_wav(path, stereo * (32768 / 32767), 24_000)
    from_file, from_array = busy.detect(path), busy.detect_array(stereo, 24_000)
    assert from_file.table.num_frames == max(1, int(seconds * 10 + 0.5))
    assert from_file.table.same_as(from_array.table, tolerance=1e-3)
    assert from_file.path == path
    if seconds > 1:
        assert len(from_file.table) > 20


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_the_batch_changes_nothing(busy: Detector, random_model: Path, make_burst: Burst, batch: int) -> None:
    stereo = make_burst(31, *[(start, start + 1.5, 11 * start - 60) for start in range(0, 30, 3)])
    expected = busy.detect_array(stereo, 24_000, threshold=0.8).table
    assert len(expected) > 200
    found = Detector.load(random_model, batch=batch).detect_array(stereo, 24_000, threshold=0.8).table
    assert found.same_as(expected, tolerance=0.05)


def test_a_long_sound_repeats_its_part(meter: Detector, make_burst: Burst) -> None:
    part = make_burst(10, (2, 3, 50), (6, 8, -50))
    once = meter.detect_array(part, 24_000).table
    thrice = meter.detect_array(np.tile(part, 3), 24_000).table
    again = EventTable.concatenate([once.shifted(shift, 300) for shift in (0, 100, 200)])
    assert thrice.same_as(again, tolerance=0.5)


def test_swapped_channels_mirror_the_directions(meter: Detector, make_burst: Burst, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    write_wav(path, make_burst(4, (1, 3, 35)), 24_000)
    plain, swapped = meter.detect(path), meter.detect(path, swap_channels=True)
    assert plain.table.mirrored().same_as(swapped.table, tolerance=1e-3)
    assert swapped.settings["swap_channels"] is True


def test_only_a_video_has_a_screen(meter: Detector, make_burst: Burst, tmp_path: Path) -> None:
    stereo = make_burst(3, (1, 2, 10))
    video = meter.detect(video_of(tmp_path / "clip.mp4", stereo))
    assert video.has_video
    assert video.events[0].onscreen
    sound = meter.detect(tmp_path / "clip.wav")
    assert not sound.has_video
    assert not sound.table.onscreen.any()
    assert sound.events[0].azimuth == pytest.approx(video.events[0].azimuth, abs=8)  # AAC blurs the channels


def test_mono_must_be_asked_for_and_has_no_direction(meter: Detector, make_burst: Burst, tmp_path: Path) -> None:
    path = tmp_path / "mono.wav"
    write_wav(path, make_burst(4, (1, 2, 0))[:1], 24_000)
    with pytest.raises(NotStereoError, match="mono"):
        meter.detect(path)
    detection = meter.detect(path, allow_mono=True)
    assert len(detection.events) == 1
    assert np.isnan(detection.table.azimuth).all()
    assert any(warning.startswith("Mono") for warning in detection.warnings)
    array = meter.detect_array(make_burst(4, (1, 2, 0))[0], 24_000, allow_mono=True)
    assert np.isnan(array.table.azimuth).all()
    with pytest.raises(NotStereoError, match="left and right"):
        meter.detect_array(make_burst(1)[:1], 24_000)


def test_samples_that_cannot_be_are_refused(meter: Detector, make_burst: Burst) -> None:
    broken = make_burst(1)
    broken[1, 7] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        meter.detect_array(broken, 24_000)
    for rate in (0, -8000):
        with pytest.raises(UsageError, match="sample rate"):
            meter.detect_array(make_burst(1), rate)


def test_dual_mono_warns_and_has_no_direction(busy: Detector, make_burst: Burst, tmp_path: Path) -> None:
    path = tmp_path / "dual.wav"
    write_wav(path, np.repeat(make_burst(6, (1, 4, 0))[:1], 2, axis=0), 24_000)
    detection = busy.detect(path, threshold=0.8)
    assert np.isnan(detection.table.azimuth).all()
    assert any(warning.startswith("Dual mono") for warning in detection.warnings)
    key = detection.table.frame * 13 + detection.table.class_index
    assert len(np.unique(key)) == len(key) > 0  # without direction, sources of a class cannot be told apart


def test_silence_is_no_event_and_says_so(meter: Detector) -> None:
    detection = meter.detect_array(np.zeros((2, 48_000), np.float32), 24_000)
    assert detection.events == []
    assert detection.table.num_frames == 20
    assert "silence" in detection.warnings[0]
    assert len(meter.detect_array(np.zeros((2, 0), np.float32), 24_000).table) == 0


def test_other_sample_rates_are_converted(meter: Detector, make_burst: Burst) -> None:
    stereo = np.repeat(make_burst(4, (1, 2, 40)), 2, axis=1)  # 48 kHz
    (event,) = meter.detect_array(stereo, 48_000).events
    assert event.start == pytest.approx(1.0, abs=0.11)


def test_the_threshold_can_be_overridden(meter: Detector, make_burst: Burst) -> None:
    stereo = make_burst(3, (1, 2, 20))
    assert meter.detect_array(stereo, 24_000, threshold=1.0).events == []
    detection = meter.detect_array(stereo, 24_000, threshold=0.9)
    assert detection.settings["thresholds"] == [0.9] * 13
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(UsageError, match=r"0\.\.1"):
            meter.detect_array(stereo, 24_000, threshold=wrong)


def test_progress_reaches_the_end(meter: Detector, make_burst: Burst, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    write_wav(path, make_burst(4.5), 24_000)
    seen: list[tuple[float, float | None]] = []
    meter.detect(path, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (pytest.approx(4.5), pytest.approx(4.5))


def test_the_cards_smoothing_is_applied(meter_model: Path, make_burst: Burst, tmp_path: Path) -> None:
    stereo = make_burst(4, (1.0, 1.2, 0), (2.0, 3.0, 0))
    model = tmp_path / "strict.onnx"
    shutil.copy(meter_model, model)
    card = read_card(card_path(meter_model))
    card.model_copy(update={"smoothing": Smoothing(min_event_frames=5)}).write(card_path(model))
    assert len(Detector.load(meter_model).detect_array(stereo, 24_000).events) == 2
    assert len(Detector.load(model).detect_array(stereo, 24_000).events) == 1


def test_a_file_that_changes_while_it_is_heard_is_reported(meter: Detector, make_burst: Burst, tmp_path: Path) -> None:
    path = tmp_path / "growing.wav"
    write_wav(path, make_burst(3, (1.0, 2.0, 24)), 24_000)
    assert CHANGED not in meter.detect(path).warnings

    def goes_on(*_: object) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    assert CHANGED in meter.detect(path, goes_on).warnings


def test_a_bad_file_is_a_typed_error(meter: Detector, tmp_path: Path) -> None:
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"not a video" * 100)
    with pytest.raises(UnreadableMediaError, match=r"junk\.mp4"):
        meter.detect(junk)


def test_memory_does_not_grow_with_length(meter: Detector, make_burst: Burst, tmp_path: Path) -> None:
    peaks = []
    for repeats in (6, 24):  # more than two batches of windows each
        path = tmp_path / f"{repeats}.wav"
        write_wav(path, np.tile(make_burst(10, (2, 3, 50), (6, 8, -50)), repeats), 24_000)
        tracemalloc.start()
        detection = meter.detect(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert detection.table.num_frames == 100 * repeats
    assert peaks[1] < 1.1 * peaks[0]  # four times the events, but no more sound
