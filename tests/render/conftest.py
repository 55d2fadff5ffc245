"""Small videos of grey, on which everything drawn shows, and tables of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from earwitness.core.events import EventTable

from ..metrics.conftest import random_clips  # noqa: F401 - fixtures

Row = tuple[int, int, int, float, float, bool]
GREY = 120


def table_of(rows: Sequence[Row], num_frames: int = 20, score: float = 1.0) -> EventTable:
    """A table of (frame, class, source, azimuth, distance, onscreen)."""
    frame, class_index, source, azimuth, distance, onscreen = zip(*rows, strict=True) if rows else ([],) * 6
    return EventTable.from_columns(
        frame=frame, class_index=class_index, source=source, azimuth=azimuth, distance=distance, onscreen=onscreen,
        score=score, num_frames=num_frames,
    )  # fmt: skip


def steady(class_index: int, azimuth: float, distance: float, onscreen: bool = True, frames: int = 20) -> EventTable:
    """One source that never moves."""
    return table_of([(f, class_index, 0, azimuth, distance, onscreen) for f in range(frames)], frames)


@pytest.fixture
def make_table() -> Callable[..., EventTable]:
    return table_of


@pytest.fixture
def make_steady() -> Callable[..., EventTable]:
    return steady


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """A grey video; `times` are those of its pictures, `sound` its seconds of noise."""

    def make(
        width: int = 320, height: int = 180, times: Sequence[float] = tuple(k / 20 for k in range(40)),
        sound: float | None = 2.0, turn: int = 0, name: str = "in.mp4",
    ) -> Path:  # fmt: skip
        path = tmp_path / name
        with av.open(str(path), "w") as output:
            video: Any = output.add_stream("libx264", rate=20, options={"preset": "ultrafast", "bf": "0"})
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.codec_context.time_base = Fraction(1, 90_000)
            if turn:
                video.set_display_rotation(turn)
            audio: Any = output.add_stream("aac", rate=48000, layout="stereo") if sound else None
            for time in times:
                frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), GREY, np.uint8), format="rgb24")
                frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
                output.mux(video.encode(frame))
            if audio is not None:
                noise = np.random.default_rng(0).uniform(-0.2, 0.2, (2, round(sound * 48000))).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
                frame.sample_rate = 48000
                output.mux(audio.encode(frame))
                output.mux(audio.encode(None))
            output.mux(video.encode(None))
        return path

    return make
