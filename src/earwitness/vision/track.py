"""People and things over time: sightings linked from picture to picture, with what lies between interpolated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.boxes import NUM_KEYPOINTS, Boxes
from earwitness.vision.overlap import iou

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
    """

    reach: float = 1.0
    gap: int = 15
    hold: int = 5
    least: int = 1


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


@dataclass(eq=False)
class _Open:
    """A track that may go on."""

    label: str
    frames: list[int] = field(default_factory=list)
    boxes: list[FloatArray] = field(default_factory=list)
    keypoints: list[FloatArray] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, frame: int, boxes: Boxes, row: int) -> None:
        self.frames.append(frame)
        self.boxes.append(boxes.xyxy[row])
        self.keypoints.append(boxes.keypoints[row])
        self.scores.append(float(boxes.score[row]))


def track(
    frames: Iterable[int], boxes: Iterable[Boxes], num_frames: int, config: TrackConfig | None = None
) -> list[Track]:
    """Link sightings; in each picture the assignment with the least total cost is taken (Hungarian method).

    Args:
        frames: increasing, where the pictures are.
        boxes: what was seen in each.
        num_frames: length of the video; no track goes beyond.
        config: how they are linked.

    Returns:
        Tracks in order of their first frame.
    """
    config = config or TrackConfig()
    going: list[_Open] = []
    ended: list[_Open] = []
    for frame, seen in zip(frames, boxes, strict=True):
        ended += [one for one in going if frame - one.frames[-1] > config.gap]
        going = [one for one in going if frame - one.frames[-1] <= config.gap]
        taken = set()
        for row, one in _pairs(going, seen, config.reach):
            one.add(frame, seen, row)
            taken.add(row)
        for row in range(len(seen)):
            if row not in taken:
                one = _Open(seen.label[row])
                one.add(frame, seen, row)
                going.append(one)
    kept = [one for one in ended + going if len(one.frames) >= config.least]
    return sorted((_closed(one, num_frames, config.hold) for one in kept), key=lambda made: (made.start, made.stop))


def _pairs(going: list[_Open], seen: Boxes, reach: float) -> list[tuple[int, _Open]]:
    """Which sighting goes on which track."""
    if not going or not len(seen):
        return []
    from scipy.optimize import linear_sum_assignment

    last = np.stack([one.boxes[-1] for one in going])
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


def _closed(one: _Open, num_frames: int, hold: int) -> Track:
    start = max(0, one.frames[0] - hold)
    stop = max(min(num_frames, one.frames[-1] + 1 + hold), one.frames[-1] + 1)
    at = np.arange(start, stop)
    return Track(
        one.label,
        start,
        _between(at, one.frames, np.stack(one.boxes)),
        _between_keypoints(at, one.frames, np.stack(one.keypoints)),
        float(np.mean(one.scores)),
        len(one.frames),
    )


def _between(at: NDArray[np.int64], frames: list[int], values: FloatArray) -> FloatArray:
    """Values (n, k) known at `frames`, linearly in between, held at the ends: (t, k)."""
    columns = [np.interp(at, frames, values[:, column]) for column in range(values.shape[1])]
    return np.stack(columns, axis=1).astype(np.float32)


def _between_keypoints(at: NDArray[np.int64], frames: list[int], values: FloatArray) -> FloatArray:
    """Each keypoint between those pictures in which it is known."""
    known_at = np.array(frames)
    made = np.full((len(at), NUM_KEYPOINTS, 3), np.nan, dtype=np.float32)
    made[..., 2] = 0
    for point in range(NUM_KEYPOINTS):
        known = np.isfinite(values[:, point, 0])
        if known.any():
            made[:, point] = _between(at, known_at[known].tolist(), values[known, point])
    return made
