"""Videos made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from films import RedFinder, RGBArray


@pytest.fixture
def red() -> RedFinder:
    return RedFinder()


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Writes pictures at given times (by default 10 a second), and silence from 0 to so many seconds."""

    def write(
        pictures: Sequence[RGBArray],
        times: Sequence[float] | None = None,
        prepare: Callable[[Any], None] | None = None,
        name: str = "film.mp4",
        silence: float = 0.0,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as output:
            stream: Any = output.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "12"})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 90_000)
            if prepare is not None:
                prepare(stream)
            if silence:
                audio: Any = output.add_stream("aac", rate=48_000, layout="stereo")
                sound = av.AudioFrame.from_ndarray(np.zeros((2, round(silence * 48_000)), np.float32), "fltp", "stereo")
                sound.sample_rate = 48_000
                output.mux([*audio.encode(sound), *audio.encode(None)])
            for index, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = round((times[index] if times is not None else index / 10) * 90_000)
                frame.time_base = Fraction(1, 90_000)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path

    return write
