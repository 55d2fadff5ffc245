"""Watching a video: the detector on sampled pictures, motion on every picture, in one pass over the file."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
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
from earwitness.vision.cuts import LOOK_AHEAD
from earwitness.vision.detectors.detector_registry import VisualDetector
from earwitness.vision.detectors.lettering import without_lettering
from earwitness.vision.frame_store import MotionGrids, SeenBoxes
from earwitness.vision.motion import UNSEEN, MotionMeter, is_still
from earwitness.vision.shots import Shot, ShotCollector

DEFAULT_RATE: Final = 2.0
MOST_LINES: Final = 360
"""Lines that pictures are watched at, those of the DCASE2025 videos; the light detector's squares have 224."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What was seen in a video.

    Attributes:
        width, height: of the pictures as they were watched, pixels.
        content: left, top, right, bottom of what is not bar in any shot, pixels.
        frames: (n,) label frames at which the detector looked.
        boxes: what it saw, one a frame of `frames`.
        motion: (m, 45, 80) uint8, one grid a label frame; see `vision.motion`.
        warnings: what a user should know of the pictures.
        shots: from the first frame to the last; none where nobody told them apart: all of it is one then.
    """

    width: int
    height: int
    content: tuple[int, int, int, int]
    frames: NDArray[np.int64]
    boxes: Sequence[Boxes]
    motion: NDArray[np.uint8] | MotionGrids
    warnings: tuple[str, ...] = ()
    shots: tuple[Shot, ...] = ()

    def shot_at(self, frame: int) -> Shot:
        """The shot of a label frame."""
        if not self.shots:
            return Shot(0, self.num_frames, self.content)
        place = bisect_right(self.shots, frame, key=lambda shot: shot.start) - 1
        return self.shots[max(0, place)]

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
    meter, shots, grids = MotionMeter(), None, _CutGrids()
    looks, still = _Looks(detector, batch), False
    for frame, (time, rgb) in enumerate(reader):
        if (frame + 1) / FRAME_RATE <= reader.start:  # the reader shows the first picture before its time
            grids.add(UNSEEN)
            continue
        begun = shots is not None
        shots = shots or ShotCollector(frame)
        grid = meter.grid(rgb)
        grids.add(grid)
        still = still and is_still(grid)
        picture = None
        if not begun or int(frame * rate / FRAME_RATE) != int((frame - 1) * rate / FRAME_RATE):
            if still:
                looks.again(frame)
            else:
                picture = Image.fromarray(rgb)
                looks.add(frame, rgb)
            still = True
            if progress is not None:
                progress(time)
        shots.add(meter.grey, grid, picture)
        grids.settle(shots.decided, shots.cuts())
    looks.finish()
    told = shots.finish(len(grids)) if shots else ()
    grids.settle(len(grids), [shot.start for shot in told])
    frames = np.array(looks.frames, dtype=np.int64)
    return Observation(
        reader.width, reader.height, _around(told), frames, looks.boxes, grids.grids, tuple(reader.warnings), told
    )


def _around(shots: Sequence[Shot]) -> tuple[int, int, int, int]:
    """What is not bar in any of the shots that show a scene."""
    contents = [shot.content for shot in shots if shot.kind == "scene"] or [shot.content for shot in shots]
    if not contents:
        return 0, 0, 0, 0
    lefts, tops, rights, bottoms = zip(*contents, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


class _CutGrids:
    """Grids of motion, of which those at cuts say nothing: what changed there did not move."""

    def __init__(self) -> None:
        self.grids = MotionGrids()
        self._waiting: deque[NDArray[np.uint8]] = deque()

    def __len__(self) -> int:
        return len(self.grids) + len(self._waiting)

    def add(self, grid: NDArray[np.uint8]) -> None:
        self._waiting.append(grid)

    def settle(self, decided: int, cuts: Sequence[int]) -> None:
        """Pass on the grids of frames before `decided`."""
        recent = set(cuts[-LOOK_AHEAD:] if decided < len(self) else cuts)
        while self._waiting and len(self.grids) < decided:
            grid = self._waiting.popleft()
            self.grids.add(UNSEEN if len(self.grids) in recent else grid)


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
        found = self._detector.detect(self._waiting) if self._waiting else []
        seen = [self._before, *map(without_lettering, self._waiting, found)]
        for place in self._shown:
            self.boxes.add(seen[place])
        self._before, self._waiting, self._shown = seen[-1], [], []
