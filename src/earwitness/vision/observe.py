"""Observation of a video in one pass: the detector on sampled pictures, motion and shots on all of them."""

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
from earwitness.media.pictures import PictureReader, RGBArray
from earwitness.vision.boxes import Boxes
from earwitness.vision.cuts import LOOK_AHEAD
from earwitness.vision.detectors.detector_registry import VisualDetector
from earwitness.vision.frame_store import BoxStore, MotionGrids
from earwitness.vision.motion import UNKNOWN_GRID, MotionMeter, is_still
from earwitness.vision.shots import Shot, ShotCollector, without_lettering

DEFAULT_RATE: Final = 2.0
MOST_LINES: Final = 360
"""Largest height of the analysed pictures, that of the DCASE2025 videos; the default detector takes 224 x 224."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """Detections, motion and shots of a video.

    Attributes:
        width, height: size of the analysed pictures, pixels.
        content: left, top, right, bottom of the area without bars, over all shots, pixels.
        frames: (n,) label frames at which the detector was run.
        boxes: its detections at these frames.
        motion: (m, 45, 80) uint8, one grid per label frame; see `vision.motion`.
        warnings: warnings about the pictures.
        shots: all shots in order; empty if the video was not divided, and then it counts as one shot.
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
        """The shot at a label frame."""
        if not self.shots:
            return Shot(0, self.num_frames, self.content)
        place = bisect_right(self.shots, frame, key=lambda shot: shot.start) - 1
        return self.shots[max(0, place)]

    @property
    def num_frames(self) -> int:
        """Number of label frames until the end of the last picture."""
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
    """Observe a video.

    Args:
        path: a video file.
        detector: detector for the sampled pictures.
        rate: pictures per second for the detector, up to 10.
        batch: pictures per call of the detector, which may reuse results of unchanged parts within a call.
        progress: called with the seconds observed.

    Raises:
        UsageError: the rate is not in (0, 10].
        NoVideoError: the file has no moving pictures.
        UnreadableMediaError: the file cannot be read.
    """
    if not 0 < rate <= FRAME_RATE:
        raise UsageError(f"the detector rate must lie in 0..{FRAME_RATE} pictures per second, above 0, not {rate:g}")
    # One picture per label frame, so that motion has the time resolution of the events.
    reader = PictureReader(path, fps=FRAME_RATE, most_lines=MOST_LINES)
    meter, shots, grids = MotionMeter(), None, _MotionRecorder()
    queue, still = _DetectorQueue(detector, batch), False
    for frame, (time, rgb) in enumerate(reader):
        if (frame + 1) / FRAME_RATE <= reader.start:  # the reader repeats the first picture before its start time
            grids.add(UNKNOWN_GRID)
            continue
        started = shots is not None
        shots = shots or ShotCollector(frame)
        grid = meter.grid(rgb)
        grids.add(grid)
        still = still and is_still(grid)
        picture = None
        if not started or int(frame * rate / FRAME_RATE) != int((frame - 1) * rate / FRAME_RATE):
            if still:
                queue.again(frame)
            else:
                picture = Image.fromarray(rgb)
                queue.add(frame, rgb)
            still = True
            if progress is not None:
                progress(time)
        shots.add(meter.grey, grid, picture)
        grids.settle(shots.decided, shots.cuts())
    queue.finish()
    all_shots = shots.finish(len(grids)) if shots else ()
    grids.settle(len(grids), [shot.start for shot in all_shots])
    frames, bounds = np.array(queue.frames, dtype=np.int64), _outer_bounds(all_shots)
    warnings = tuple(reader.warnings)
    return Observation(
        reader.width, reader.height, bounds, frames, queue.boxes, grids.grids, warnings, all_shots
    )  # fmt: skip


def _outer_bounds(shots: Sequence[Shot]) -> tuple[int, int, int, int]:
    """The smallest area that contains the areas of all scene shots."""
    contents = [shot.content for shot in shots if shot.kind == "scene"] or [shot.content for shot in shots]
    if not contents:
        return 0, 0, 0, 0
    lefts, tops, rights, bottoms = zip(*contents, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


class _MotionRecorder:
    """Collects motion grids and replaces those at cuts, where the change is not motion."""

    def __init__(self) -> None:
        self.grids = MotionGrids()
        self._waiting: deque[NDArray[np.uint8]] = deque()

    def __len__(self) -> int:
        return len(self.grids) + len(self._waiting)

    def add(self, grid: NDArray[np.uint8]) -> None:
        self._waiting.append(grid)

    def settle(self, decided: int, cuts: Sequence[int]) -> None:
        """Store the grids of the frames before `decided`."""
        recent = set(cuts[-LOOK_AHEAD:] if decided < len(self) else cuts)
        while self._waiting and len(self.grids) < decided:
            grid = self._waiting.popleft()
            self.grids.add(UNKNOWN_GRID if len(self.grids) in recent else grid)


class _DetectorQueue:
    """Runs the detector on batches of sampled pictures; unchanged pictures reuse the previous result."""

    def __init__(self, detector: VisualDetector, batch: int) -> None:
        self._detector, self._batch = detector, max(1, batch)
        self._waiting: list[RGBArray] = []
        self._shown: list[int] = []
        self._before = Boxes.none()
        self.frames = array("q")
        self.boxes = BoxStore()

    def add(self, frame: int, rgb: RGBArray) -> None:
        self._waiting.append(rgb)
        self.again(frame)
        if len(self._waiting) == self._batch:
            self.finish()

    def again(self, frame: int) -> None:
        self.frames.append(frame)
        self._shown.append(len(self._waiting))

    def finish(self) -> None:
        """Run the detector on the pending pictures; index 0 in `_shown` is the last picture before them."""
        found = self._detector.detect(self._waiting) if self._waiting else []
        results = [self._before, *map(without_lettering, self._waiting, found)]
        for place in self._shown:
            self.boxes.add(results[place])
        self._before, self._waiting, self._shown = results[-1], [], []
