"""People and things over time: sightings linked from picture to picture, with what lies between interpolated.

A `Trail` holds the sightings alone, a hundredth of what its `Track` takes frame by frame: of hours of video, tracks are
only made for the stretch that is asked about.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.boxes import NUM_KEYPOINTS, Boxes, iou, unknown_keypoints

FloatArray = NDArray[np.float32]

_NEVER: Final = 1e6


@dataclass(frozen=True, slots=True)
class TrackConfig:
    """How sightings are linked.

    Attributes:
        reach: how far something may move between two sightings, in units of its size.
        gap: frames that something may stay unseen.
        hold: frames that it is taken to be there before its first and after its last sighting.
        least: sightings that make a track.
        keypoints: the keypoints that are remembered; the others are unknown afterwards.
    """

    reach: float = 1.0
    gap: int = 15
    hold: int = 5
    least: int = 1
    keypoints: tuple[int, ...] = tuple(range(NUM_KEYPOINTS))


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person or thing over time, at every frame from its first to its last.

    Attributes:
        label: what it is.
        start: its first frame.
        xyxy: (t, 4) float32, pixels.
        keypoints: (t, 18, 3) float32; see `Boxes`.
        score: mean score of its sightings.
        sightings: how many there were.
    """

    label: str
    start: int
    xyxy: FloatArray
    keypoints: FloatArray
    score: float
    sightings: int

    @property
    def stop(self) -> int:
        """One past its last frame."""
        return self.start + len(self.xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """The sightings of one person or thing.

    Attributes:
        label: what it is.
        start: its first frame.
        stop: one past its last frame.
        score: mean score of its sightings.
        frames: (n,) int32, of the sightings.
        boxes: (n, 4) float32, pixels.
        points: (n, k, 3) float32, of the keypoints that are remembered.
        remembered: which those are.
    """

    label: str
    start: int
    stop: int
    score: float
    frames: NDArray[np.int32]
    boxes: FloatArray
    points: FloatArray
    remembered: tuple[int, ...]

    def xyxy(self, first: int, stop: int) -> FloatArray:
        """Boxes (t, 4) of a stretch within the trail."""
        return _between(np.arange(first, stop), self.frames, self.boxes)

    def track(self, first: int = 0, stop: int | None = None) -> Track:
        """What is known of it frame by frame, within a stretch: exactly that part of the whole track."""
        first = max(first, self.start)
        at = np.arange(first, max(first, self.stop if stop is None else min(stop, self.stop)))
        boxes = _between(at, self.frames, self.boxes)
        return Track(self.label, first, boxes, self._keypoints(at), self.score, len(self.frames))

    def _keypoints(self, at: NDArray[np.int64]) -> FloatArray:
        """Each keypoint between those pictures in which it is known."""
        if not self.remembered:
            return np.broadcast_to(unknown_keypoints(1), (len(at), NUM_KEYPOINTS, 3))
        made = unknown_keypoints(len(at))
        for place, point in enumerate(self.remembered):
            known = np.isfinite(self.points[:, place, 0])
            if known.any():
                made[:, point] = _between(at, self.frames[known], self.points[known, place])
        return made


@dataclass(eq=False)
class _Open:
    """A trail that may go on; in arrays that grow, since it may do so for hours."""

    label: str
    remembered: tuple[int, ...]
    last: FloatArray = field(default_factory=lambda: np.zeros(4, dtype=np.float32))
    frames: array[int] = field(default_factory=lambda: array("i"))
    boxes: array[float] = field(default_factory=lambda: array("f"))
    points: array[float] = field(default_factory=lambda: array("f"))
    scores: array[float] = field(default_factory=lambda: array("d"))

    def add(self, frame: int, boxes: Boxes, row: int) -> None:
        self.last = boxes.xyxy[row]
        self.frames.append(frame)
        self.boxes.frombytes(self.last.tobytes())
        self.points.frombytes(boxes.keypoints[row, list(self.remembered)].tobytes())
        self.scores.append(float(boxes.score[row]))

    def closed(self, video: range, hold: int) -> Trail:
        first, last = self.frames[0], self.frames[-1]
        return Trail(
            self.label,
            max(video.start, first - hold),
            max(min(video.stop, last + 1 + hold), last + 1),
            float(np.mean(self.scores)),
            np.array(self.frames, dtype=np.int32),
            np.array(self.boxes, dtype=np.float32).reshape(-1, 4),
            np.array(self.points, dtype=np.float32).reshape(len(self.frames), -1, 3),
            self.remembered,
        )


def link(
    frames: Iterable[int],
    boxes: Iterable[Boxes],
    num_frames: int,
    config: TrackConfig | None = None,
    first: int = 0,
    cuts: Sequence[int] = (),
) -> list[Trail]:
    """Link sightings; in each picture the assignment with the least total cost is taken (Hungarian method).

    Args:
        frames: increasing, where the pictures are.
        boxes: what was seen in each.
        num_frames: length of the video; no trail goes beyond.
        config: how they are linked.
        first: frame of the first picture; no trail begins before it.
        cuts: increasing, the frames at which new shots begin; no trail goes on beyond one.

    Returns:
        Trails in order of their first frame.
    """
    config, bounds = config or TrackConfig(), [first, *cuts, num_frames]
    shots = iter([range(start, stop) for start, stop in pairwise(bounds) if start < stop] or [range(first, num_frames)])
    video = next(shots)
    going: list[_Open] = []
    ended: list[Trail] = []
    for frame, seen in zip(frames, boxes, strict=True):
        while frame >= video.stop and (after := next(shots, None)) is not None:
            ended += _long_enough(going, video, config)
            going, video = [], after
        ended += _long_enough([one for one in going if frame - one.frames[-1] > config.gap], video, config)
        going = [one for one in going if frame - one.frames[-1] <= config.gap]
        taken = set()
        for row, one in _pairs(going, seen, config.reach):
            one.add(frame, seen, row)
            taken.add(row)
        for row in range(len(seen)):
            if row not in taken:
                one = _Open(seen.label[row], config.keypoints)
                one.add(frame, seen, row)
                going.append(one)
    return sorted(ended + _long_enough(going, video, config), key=lambda made: (made.start, made.stop))


def track(
    frames: Iterable[int], boxes: Iterable[Boxes], num_frames: int, config: TrackConfig | None = None
) -> list[Track]:
    """The tracks of all trails of a short video; arguments and order as in `link`."""
    return [one.track() for one in link(frames, boxes, num_frames, config)]


def _long_enough(ended: Iterable[_Open], video: range, config: TrackConfig) -> list[Trail]:
    return [one.closed(video, config.hold) for one in ended if len(one.frames) >= config.least]


def _pairs(going: list[_Open], seen: Boxes, reach: float) -> list[tuple[int, _Open]]:
    """Which sighting goes on which track."""
    if not going or not len(seen):
        return []
    from scipy.optimize import linear_sum_assignment

    last = np.stack([one.last for one in going])
    centre, was = (seen.xyxy[:, :2] + seen.xyxy[:, 2:]) / 2, (last[:, :2] + last[:, 2:]) / 2
    size = np.maximum(_sizes(seen.xyxy)[:, None], _sizes(last)[None])
    cost = np.linalg.norm(centre[:, None] - was[None], axis=2) / size - iou(seen.xyxy, last)
    cost = np.where(cost > reach, _NEVER, cost)
    cost[np.array(seen.label)[:, None] != np.array([one.label for one in going])[None]] = _NEVER
    rows, columns = linear_sum_assignment(cost)
    return [
        (row, going[column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if cost[row, column] < _NEVER
    ]


def _sizes(xyxy: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum((xyxy[:, 2:] - xyxy[:, :2]).prod(axis=1), 1)))


def _between(at: NDArray[np.int64], frames: NDArray[np.int32], values: FloatArray) -> FloatArray:
    """Values (n, k) known at `frames`, linearly in between, held at the ends: (t, k)."""
    if len(at):  # those around the stretch are enough
        low = max(int(np.searchsorted(frames, at[0], "right")) - 1, 0)
        near = slice(low, int(np.searchsorted(frames, at[-1], "left")) + 1)
        frames, values = frames[near], values[near]
    columns = [np.interp(at, frames, values[:, column]) for column in range(values.shape[1])]
    return np.stack(columns, axis=1).astype(np.float32)
