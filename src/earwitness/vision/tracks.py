"""Tracking: detections linked from picture to picture, with interpolation in between.

A `Trail` holds only the detections, which take a hundredth of the memory of its `Track` with values per frame. In long
videos, tracks are created only for the requested stretch.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.boxes import INDEX, NUM_KEYPOINTS, Boxes, cover, iou, unknown_keypoints

FloatArray = NDArray[np.float32]

_NEVER: Final = 1e6
_NOSE: Final = INDEX["nose"]
_STOP_COST: Final = 0.1
"""Additional cost of a trail that stops moving."""
_STEADINESS: Final = 0.6
"""Share of the former velocity in the new one, at each detection."""


@dataclass(frozen=True, slots=True)
class TrackConfig:
    """How detections are linked.

    Attributes:
        reach: largest movement between two detections, in units of the size.
        gap: largest number of frames between two detections.
        hold: frames by which a trail is extended before its first and after its last detection.
        least: smallest number of detections of a trail.
        keypoints: keypoints to keep; the others become unknown.
    """

    reach: float = 1.0
    gap: int = 15
    hold: int = 5
    least: int = 1
    keypoints: tuple[int, ...] = tuple(range(NUM_KEYPOINTS))


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person, object or region with values for every frame.

    Attributes:
        label: its label.
        start: first frame.
        xyxy: (t, 4) float32, boxes in pixels.
        keypoints: (t, 18, 3) float32; see `Boxes`.
        score: mean score of its detections.
        sightings: number of its detections.
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
    """The detections of one person, object or region.

    Attributes:
        label: its label.
        start: first frame.
        stop: one past its last frame.
        score: mean score of its detections.
        frames: (n,) int32, frames of the detections.
        boxes: (n, 4) float32, boxes in pixels.
        points: (n, k, 3) float32, the kept keypoints.
        kept: indices of the kept keypoints.
    """

    label: str
    start: int
    stop: int
    score: float
    frames: NDArray[np.int32]
    boxes: FloatArray
    points: FloatArray
    kept: tuple[int, ...]

    def xyxy(self, first: int, stop: int) -> FloatArray:
        """Interpolated boxes (t, 4) of a stretch within the trail."""
        return _between(np.arange(first, stop), self.frames, self.boxes)

    def track(self, first: int = 0, stop: int | None = None) -> Track:
        """The track of a stretch, equal to that part of the whole track."""
        first = max(first, self.start)
        at = np.arange(first, max(first, self.stop if stop is None else min(stop, self.stop)))
        boxes = _between(at, self.frames, self.boxes)
        return Track(self.label, first, boxes, self._keypoints(at), self.score, len(self.frames))

    def _keypoints(self, at: NDArray[np.int64]) -> FloatArray:
        """Keypoints, each interpolated between the pictures in which it is known."""
        if not self.kept:
            return np.broadcast_to(unknown_keypoints(1), (len(at), NUM_KEYPOINTS, 3))
        made = unknown_keypoints(len(at))
        for place, point in enumerate(self.kept):
            known = np.isfinite(self.points[:, place, 0])
            if known.any():
                made[:, point] = _between(at, self.frames[known], self.points[known, place])
        return made


@dataclass(eq=False)
class _Open:
    """A trail that may continue."""

    label: str
    kept: tuple[int, ...]
    last: FloatArray = field(default_factory=lambda: np.zeros(4, dtype=np.float32))
    places: FloatArray = field(default_factory=lambda: np.zeros((2, 2), dtype=np.float32))
    velocity: FloatArray = field(default_factory=lambda: np.zeros(2, dtype=np.float32))
    frames: array[int] = field(default_factory=lambda: array("i"))
    boxes: array[float] = field(default_factory=lambda: array("f"))
    points: array[float] = field(default_factory=lambda: array("f"))
    scores: array[float] = field(default_factory=lambda: array("d"))

    def add(self, frame: int, boxes: Boxes, row: int) -> None:
        places = _places(boxes)[row]
        if self.frames:
            centre, nose = (places - self.places) / (frame - self.frames[-1])
            moved = nose if np.isfinite(nose).all() else centre
            # A trail that begins at rest would lag behind for long, so the first movement counts in full.
            share = _STEADINESS if len(self.frames) > 1 else 0.0
            self.velocity = (share * self.velocity + (1 - share) * moved).astype(np.float32)
        self.places = places
        self.last = boxes.xyxy[row]
        self.frames.append(frame)
        self.boxes.frombytes(self.last.tobytes())
        self.points.frombytes(boxes.keypoints[row, list(self.kept)].tobytes())
        self.scores.append(float(boxes.score[row]))

    def movement(self, frame: int) -> FloatArray:
        """Movement (2,) until a later frame, if it goes on with constant velocity."""
        return self.velocity * np.float32(frame - self.frames[-1])

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
            self.kept,
        )


def link(
    frames: Iterable[int],
    boxes: Iterable[Boxes],
    num_frames: int,
    config: TrackConfig | None = None,
    first: int = 0,
    cuts: Sequence[int] = (),
) -> list[Trail]:
    """Link detections, picture by picture, by the assignment of least total cost (Hungarian method).

    A detection is compared with where a trail would be if it had gone on with constant velocity, so that people who
    cross each other keep their trails. Source of the idea: Bewley et al. 2016, SORT.

    Args:
        frames: frames of the pictures, increasing.
        boxes: detections in each picture.
        num_frames: length of the video; no trail extends beyond it.
        config: how they are linked.
        first: frame of the first picture; no trail begins earlier.
        cuts: frames at which new shots begin, increasing; no trail continues across one.

    Returns:
        The trails in order of their first frames.
    """
    config, bounds = config or TrackConfig(), [first, *cuts, num_frames]
    shots = iter([range(start, stop) for start, stop in pairwise(bounds) if start < stop] or [range(first, num_frames)])
    video = next(shots)
    open_trails: list[_Open] = []
    ended: list[Trail] = []
    for frame, detections in zip(frames, boxes, strict=True):
        while frame >= video.stop and (after := next(shots, None)) is not None:
            ended += _long_enough(open_trails, video, config)
            open_trails, video = [], after
        ended += _long_enough([one for one in open_trails if frame - one.frames[-1] > config.gap], video, config)
        open_trails = [one for one in open_trails if frame - one.frames[-1] <= config.gap]
        taken = set()
        for row, one in _pairs(open_trails, detections, frame, config.reach):
            one.add(frame, detections, row)
            taken.add(row)
        for row in range(len(detections)):
            if row not in taken:
                one = _Open(detections.label[row], config.keypoints)
                one.add(frame, detections, row)
                open_trails.append(one)
    return sorted(ended + _long_enough(open_trails, video, config), key=lambda made: (made.start, made.stop))


def track(
    frames: Iterable[int], boxes: Iterable[Boxes], num_frames: int, config: TrackConfig | None = None
) -> list[Track]:
    """The tracks of all trails of a short video; arguments and order as for `link`."""
    return [one.track() for one in link(frames, boxes, num_frames, config)]


def _long_enough(ended: Iterable[_Open], video: range, config: TrackConfig) -> list[Trail]:
    return [one.closed(video, config.hold) for one in ended if len(one.frames) >= config.least]


def _pairs(open_trails: list[_Open], detections: Boxes, frame: int, reach: float) -> list[tuple[int, _Open]]:
    """Pairs of a detection and the trail that it continues."""
    if not open_trails or not len(detections):
        return []
    from scipy.optimize import linear_sum_assignment

    moved = np.stack([one.movement(frame) for one in open_trails])
    boxes, places = np.stack([one.last for one in open_trails]), np.stack([one.places for one in open_trails])
    moving = _cost(detections, boxes + np.tile(moved, 2), places + moved[:, None])
    cost = np.minimum(moving, _cost(detections, boxes, places) + _STOP_COST)
    cost = np.where(cost > reach, _NEVER, cost)
    cost[np.array(detections.label)[:, None] != np.array([one.label for one in open_trails])[None]] = _NEVER
    rows, columns = linear_sum_assignment(cost)
    return [
        (row, open_trails[column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if cost[row, column] < _NEVER
    ]


def _cost(detections: Boxes, expected: FloatArray, places: FloatArray) -> FloatArray:
    """Cost (n, m) of m trails, expected at boxes (m, 4) and `_places` (m, 2, 2), to go on with n detections."""
    size = np.maximum(_sizes(detections.xyxy)[:, None], _sizes(expected)[None])
    centre, nose = np.moveaxis(np.linalg.norm(_places(detections)[:, None] - places[None], axis=-1), -1, 0)
    by_nose = np.isfinite(nose)
    apart = np.where(by_nose, nose, centre)
    overlap = np.where(by_nose, cover(detections.xyxy, expected), iou(detections.xyxy, expected))
    return np.asarray(apart / size - overlap, dtype=np.float32)


def _places(boxes: Boxes) -> FloatArray:
    """Centre and nose (n, 2, 2) of detections; NaN for an unknown nose.

    Noses are compared where they are known, since a box may hold a whole person in one picture and only the head in
    the next.
    """
    centre = (boxes.xyxy[:, :2] + boxes.xyxy[:, 2:]) / 2
    return np.stack([centre, boxes.keypoints[:, _NOSE, :2]], axis=1).astype(np.float32)


def _sizes(xyxy: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum((xyxy[:, 2:] - xyxy[:, :2]).prod(axis=1), 1)))


def _between(at: NDArray[np.int64], frames: NDArray[np.int32], values: FloatArray) -> FloatArray:
    """Linear interpolation (t, k) of values (n, k) at `frames`, constant beyond the ends."""
    if len(at):  # only the values around the stretch are needed
        low = max(int(np.searchsorted(frames, at[0], "right")) - 1, 0)
        near = slice(low, int(np.searchsorted(frames, at[-1], "left")) + 1)
        frames, values = frames[near], values[near]
    columns = [np.interp(at, frames, values[:, column]) for column in range(values.shape[1])]
    return np.stack(columns, axis=1).astype(np.float32)
