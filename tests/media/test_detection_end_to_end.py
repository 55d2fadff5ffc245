"""Detection end to end on unusual media: the burst has its true times and side, whatever the container does."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import NoAudioError
from earwitness.detect.detector import Detector
from earwitness.media.sound.conversion import resample
from earwitness.results.detection import Detection

Burst = Callable[..., NDArray[np.float32]]
FRAME = 0.1
START, END, AZIMUTH = 2.0, 3.0, 40.0


@pytest.fixture(scope="module")
def detector(meter_model: Path) -> Detector:
    return Detector.load(meter_model)


@pytest.fixture
def sound(make_burst: Burst) -> Callable[[int], NDArray[np.float32]]:
    """The burst at any rate."""
    return lambda rate: resample(make_burst(5, (START, END, AZIMUTH)), 24_000, rate)


def check(detection: Detection, start: float = START, end: float = END, side: int = 1, off: float = 8.0) -> None:
    (event,) = detection.events
    assert event.start == pytest.approx(start, abs=FRAME)
    assert event.end == pytest.approx(end, abs=FRAME)
    assert np.sign(event.azimuth) == side
    assert abs(event.azimuth) == pytest.approx(AZIMUTH, abs=off)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_sample_rates(tmp_path: Path, toolbox: Any, detector: Detector, sound: Any, rate: int) -> None:
    path = toolbox.write_media(tmp_path / "a.wav", sound=sound(rate), rate=rate, codec="pcm_s16le", sample_format="s16")
    # The model of these tests takes the mean over all bands, and above half the rate there is nothing to be heard.
    check(detector.detect(path), off=8 if rate >= 16_000 else 16)


@pytest.mark.parametrize(
    ("codec", "sample_format"),
    [("pcm_u8", "u8"), ("pcm_s16le", "s16"), ("pcm_s24le", "s32"), ("pcm_s32le", "s32"), ("pcm_f32le", "flt"),
     ("pcm_f64le", "dbl")],
)  # fmt: skip
def test_sample_formats(
    tmp_path: Path, toolbox: Any, detector: Detector, sound: Any, codec: str, sample_format: str
) -> None:
    path = toolbox.write_media(tmp_path / "a.wav", sound=sound(48_000), codec=codec, sample_format=sample_format)
    check(detector.detect(path))


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "aac"), ("mkv", "libopus"), ("flac", "flac"), ("mp3", "libmp3lame")]
)
def test_containers(tmp_path: Path, toolbox: Any, detector: Detector, sound: Any, suffix: str, codec: str) -> None:
    form = {"flac": {"sample_format": "s16"}}.get(suffix, {})
    check(detector.detect(toolbox.write_media(tmp_path / f"a.{suffix}", sound=sound(48_000), codec=codec, **form)))


def test_sound_that_starts_late(tmp_path: Path, toolbox: Any, detector: Detector, sound: Any) -> None:
    pictures = toolbox.brightness_pictures(60)
    path = toolbox.write_media(tmp_path / "a.mkv", sound=sound(48_000), sound_start=1.5, pictures=pictures, fps=10)
    check(detector.detect(path), START + 1.5, END + 1.5)


def test_a_gap_in_the_time_stamps_is_silence_and_is_said(
    tmp_path: Path, toolbox: Any, detector: Detector, sound: Any
) -> None:
    path = toolbox.write_media(
        tmp_path / "a.mkv", sound=sound(48_000), codec="pcm_s16le", sample_format="s16", gap=(1.0, 2.0)
    )
    detection = detector.detect(path)
    check(detection, START + 2, END + 2)
    assert any("gap" in warning or "silence" in warning for warning in detection.warnings)


@pytest.mark.parametrize("steps", [(1, 1, 1, 30, 1, 30), (5, 5, 5)])
def test_pictures_at_odd_times_change_nothing(
    tmp_path: Path, toolbox: Any, detector: Detector, sound: Any, steps: tuple[int, ...]
) -> None:
    times = [int(step) / 30 for step in np.cumsum([0, *(steps * 10)]) if step < 150]
    pictures = toolbox.brightness_pictures(len(times))
    path = toolbox.write_media(tmp_path / "a.mp4", sound=sound(48_000), pictures=pictures, times=times)
    check(detector.detect(path))


@pytest.mark.parametrize(
    ("layout", "channel", "side"),
    [("5.1", 0, 1), ("5.1", 1, -1), ("5.1(side)", 4, 1), ("5.1(side)", 5, -1), ("7.1", 4, 1), ("7.1", 7, -1)],
)
def test_surround_is_mixed_down_to_its_side(
    tmp_path: Path, toolbox: Any, detector: Detector, make_burst: Burst, layout: str, channel: int, side: int
) -> None:
    channels = len(av.AudioLayout(layout).channels)
    stereo = resample(make_burst(5, (START, END, 0.0)), 24_000, 48_000)
    surround = np.zeros((channels, stereo.shape[1]), np.float32)
    # Without any sound of its own, a channel would count as broken.
    surround[:2] = np.random.default_rng(1).normal(0, 0.002, (2, stereo.shape[1]))
    surround[channel] += 0.9 * stereo[0]
    path = toolbox.write_media(
        tmp_path / "a.wav", sound=surround, layout=layout, codec="pcm_s16le", sample_format="s16"
    )
    (event,) = detector.detect(path).events
    assert (event.start, event.end) == (pytest.approx(START, abs=FRAME), pytest.approx(END, abs=FRAME))
    assert np.sign(event.azimuth) == side
    assert abs(event.azimuth) > 50


def test_channels_that_are_exchanged(tmp_path: Path, toolbox: Any, detector: Detector, sound: Any) -> None:
    path = toolbox.write_media(tmp_path / "a.wav", sound=sound(48_000), codec="pcm_s16le", sample_format="s16")
    check(detector.detect(path, swap_channels=True), side=-1)


def test_each_of_several_tracks(tmp_path: Path, detector: Detector, make_burst: Burst) -> None:
    path = tmp_path / "a.mkv"
    bursts = ((40.0, 1.0), (-40.0, 3.0))
    with av.open(str(path), "w") as output:
        tracks: list[Any] = [output.add_stream("pcm_s16le", rate=24_000, layout="stereo") for _ in bursts]
        for track, (azimuth, start) in zip(tracks, bursts, strict=True):
            stereo = make_burst(5, (start, start + 1, azimuth))
            samples = np.ascontiguousarray(np.rint(stereo.T * 32_767).astype(np.int16).reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
            frame.sample_rate, frame.time_base, frame.pts = 24_000, Fraction(1, 24_000), 0
            output.mux(track.encode(frame))
            output.mux(track.encode(None))
    check(detector.detect(path), 1.0, 2.0, side=1)
    check(detector.detect(path, track=1), 3.0, 4.0, side=-1)
    with pytest.raises(NoAudioError, match=r"no sound track 2; its tracks are 0\.\.1"):
        detector.detect(path, track=2)


def test_pictures_without_sound(tmp_path: Path, toolbox: Any, detector: Detector) -> None:
    path = toolbox.write_media(tmp_path / "a.mp4", pictures=toolbox.brightness_pictures(10))
    with pytest.raises(NoAudioError, match="no sound track"):
        detector.detect(path)
