"""Media files made on the spot, so that every property of theirs is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

TONE_HZ = 1000
QUIET_CHANNEL = 0.25


def tone_burst(rate: int, seconds: float, start: float, end: float, left: float = 0.5, right: float = 0.125) -> Any:
    """Stereo (2, n) float32: a tone burst that is four times louder on the left."""
    t = np.arange(round(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * min(TONE_HZ, rate / 5) * t) * ((t >= start) & (t < end))
    return np.stack([left * tone, right * tone]).astype(np.float32)


def burst_times(samples: Any, rate: int, threshold: float = 0.05) -> tuple[float, float]:
    """Start and end (s) of what exceeds `threshold` on the louder channel."""
    loud = np.flatnonzero(np.abs(samples).max(axis=0) > threshold)
    return loud[0] / rate, (loud[-1] + 1) / rate


def write_media(
    path: Path,
    *,
    sound: Any = None,
    rate: int = 48000,
    codec: str = "aac",
    layout: str = "stereo",
    sample_format: str = "fltp",
    sound_start: float = 0.0,
    gap: tuple[float, float] | None = None,
    pictures: Sequence[Any] | None = None,
    times: Sequence[float] | None = None,
    fps: int = 30,
    prepare: Callable[[Any], None] | None = None,
    tracks: int = 1,
) -> Path:
    """Write a file of known sound and pictures; `gap` = (after this time, this many seconds) jumps in the stamps."""
    with av.open(str(path), "w") as output:
        video: Any = None
        if pictures is not None:
            video = output.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "12"})
            video.height, video.width = pictures[0].shape[:2]
            video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 90_000)
            if prepare is not None:
                prepare(video)
        audios: list[Any] = []
        if sound is not None:
            audios = [output.add_stream(codec, rate=rate, layout=layout) for _ in range(tracks)]
            for audio in audios:
                audio.format = sample_format if "pcm" in codec or codec == "flac" else audio.format
        for index, picture in enumerate(pictures or ()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = round((times[index] if times is not None else index / fps) * 90_000)
            frame.time_base = Fraction(1, 90_000)
            output.mux(video.encode(frame))
        for audio in audios:
            for at in range(0, sound.shape[1], 1024):
                output.mux(audio.encode(_sound_frame(sound[:, at : at + 1024], at, rate, sample_format, layout,
                                                     sound_start, gap)))  # fmt: skip
            output.mux(audio.encode(None))
        if video is not None:
            output.mux(video.encode(None))
    return path


def _sound_frame(
    part: Any, at: int, rate: int, sample_format: str, layout: str, start: float, gap: tuple[float, float] | None
) -> Any:
    if sample_format.startswith("flt"):
        values = part
    elif sample_format.startswith("dbl"):
        values = part.astype(np.float64)
    elif sample_format.startswith("u8"):
        values = np.rint(part * 127 + 128).astype(np.uint8)
    else:
        kind = np.int16 if "16" in sample_format else np.int32
        values = np.rint(part.astype(np.float64) * np.iinfo(kind).max).astype(kind)
    if not sample_format.endswith("p"):
        values = values.T.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), format=sample_format, layout=layout)
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    late = gap[1] if gap is not None and at / rate >= gap[0] else 0.0
    frame.pts = at + round((start + late) * rate)
    return frame


def corner_picture(height: int = 96, width: int = 160) -> Any:
    """Grey with a red top-left, a green top-right and a blue bottom-left corner."""
    picture = np.full((height, width, 3), 128, np.uint8)
    picture[:32, :32], picture[:32, -32:], picture[-32:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return picture


def brightness_pictures(count: int, height: int = 96, width: int = 160) -> list[Any]:
    """Pictures that tell their number: brightness 8 k + 4."""
    return [np.full((height, width, 3), 8 * (k % 31) + 4, np.uint8) for k in range(count)]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 30 pictures/s and a burst at 1.0..1.2 s, louder on the left."""
    return write_media(
        tmp_path_factory.mktemp("clip") / "clip.mp4",
        sound=tone_burst(48000, 2.0, 1.0, 1.2),
        pictures=brightness_pictures(60),
    )


@pytest.fixture(scope="session")
def toolbox() -> Any:
    """The builders of this file."""
    import sys

    return sys.modules[__name__]
