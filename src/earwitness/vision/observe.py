"""Watching a video: the detector on sampled pictures, motion on every picture, in one pass over the file."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import UsageError
from earwitness.core.events import FRAME_RATE
from earwitness.media.pictures.pictures import PictureReader, RGBArray
from earwitness.vision.boxes import Boxes
from earwitness.vision.detectors.detector_registry import VisualDetector
from earwitness.vision.frame_store import MotionGrids, SeenBoxes
from earwitness.vision.letterbox import LetterboxFinder
from earwitness.vision.motion import UNSEEN, MotionMeter, is_still

DEFAULT_RATE: Final = 2.0
MOST_LINES: Final = 360
"""Lines that pictures are watched at, those of the DCASE2025 videos; the light detector's squares have 224."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What was seen in a video.

    Attributes:
        width, height: of the pictures as they were watched, pixels.
        content: left, top, right, bottom of what is not black bar, pixels.
        frames: (n,) label frames at which the detector looked.
        boxes: what it saw, one a frame of `frames`.
        motion: (m, 45, 80) uint8, one grid a label frame; see `vision.motion`.
        warnings: what a user should know of the pictures.
    """

    width: int
    height: int
    content: tuple[int, int, int, int]
    frames: NDArray[np.int64]
    boxes: Sequence[Boxes]
    motion: NDArray[np.uint8] | MotionGrids
    warnings: tuple[str, ...] = ()

    @property
    def num_frames(self) -> int:
        """Label frames until the last picture ends."""
        return len(self.motion)

    @property
    def first_frame(self) -> int:
        """The label frame of the first picture."""
        return int(self.frames[0]) if len(self.frames) else 0


def observe(
    path: str | Path,
    detector: VisualDetector,
    rate: float = DEFAULT_RATE,
    *,
    batch: int = 8,
    progress: Callable[[float], None] | None = None,
) -> Observation:
    """Watch a video.

    Args:
        path: a video file.
        detector: looks at the sampled pictures.
        rate: pictures a second that it looks at, up to 10.
        batch: pictures a call of the detector, which may take from one what did not change in the next.
        progress: called with the seconds watched.

    Raises:
        UsageError: the rate is not in (0, 10].
        NoVideoError: there are no moving pictures.
        UnreadableMediaError: the file cannot be read.
    """
    if not 0 < rate <= FRAME_RATE:
        raise UsageError(f"the detector can look at up to {FRAME_RATE} pictures a second, not {rate:g}")
    # One picture a label frame, so that what moves is known as finely as what sounds.
    reader = PictureReader(path, fps=FRAME_RATE, most_lines=MOST_LINES)
    meter, bars = MotionMeter(), LetterboxFinder()
    grids = MotionGrids()
    looks, still, begun = _Looks(detector, batch), False, False
    for frame, (time, rgb) in enumerate(reader):
        if (frame + 1) / FRAME_RATE <= reader.start:  # the reader shows the first picture before its time
            grids.add(UNSEEN)
            continue
        grid = meter.grid(rgb)
        grids.add(grid)
        still = still and is_still(grid)
        if not begun or int(frame * rate / FRAME_RATE) != int((frame - 1) * rate / FRAME_RATE):
            if still:
                looks.again(frame)
            else:
                bars.add(Image.fromarray(rgb))
                looks.add(frame, rgb)
            still = begun = True
            if progress is not None:
                progress(time)
    looks.finish()
    frames = np.array(looks.frames, dtype=np.int64)
    content, warnings = bars.content(), tuple(reader.warnings)
    return Observation(reader.width, reader.height, content, frames, looks.boxes, grids, warnings)


class _Looks:
    """The sampled pictures, a batch at a time; a picture that did not change is not looked at again."""

    def __init__(self, detector: VisualDetector, batch: int) -> None:
        self._detector, self._batch = detector, max(1, batch)
        self._waiting: list[RGBArray] = []
        self._shown: list[int] = []
        self._before = Boxes.none()
        self.frames = array("q")
        self.boxes = SeenBoxes()

    def add(self, frame: int, rgb: RGBArray) -> None:
        self._waiting.append(rgb)
        self.again(frame)
        if len(self._waiting) == self._batch:
            self.finish()

    def again(self, frame: int) -> None:
        self.frames.append(frame)
        self._shown.append(len(self._waiting))

    def finish(self) -> None:
        """Look at what waits; 0 of `_shown` is the last picture before it."""
        seen = [self._before, *(self._detector.detect(self._waiting) if self._waiting else ())]
        for place in self._shown:
            self.boxes.add(seen[place])
        self._before, self._waiting, self._shown = seen[-1], [], []
