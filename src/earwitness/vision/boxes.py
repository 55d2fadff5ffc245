"""Detections in one picture: boxes, scores, labels and keypoints, in columns; overlap and suppression of boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import ModelError

FloatArray = NDArray[np.float32]


def areas(xyxy: FloatArray) -> FloatArray:
    """Areas (n,) of boxes (n, 4); 0 for boxes of negative size."""
    sides = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def intersections(a: FloatArray, b: FloatArray) -> FloatArray:
    """Areas (n, m) of the intersections of boxes a (n, 4) and b (m, 4)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union (n, m) of boxes a (n, 4) and b (m, 4)."""
    common = intersections(a, b)
    union = areas(a)[:, None] + areas(b)[None, :] - common
    return np.asarray(np.where(union > 0, common / np.maximum(union, 1e-9), 0))


def cover(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over the smaller area (n, m): 1 if one box lies within the other."""
    smaller = np.minimum(areas(a)[:, None], areas(b)[None, :])
    return np.asarray(intersections(a, b) / np.maximum(smaller, 1e-9))


def cover_each(a: FloatArray, b: FloatArray) -> FloatArray:
    """As `cover`, row by row for boxes a (n, 4) and b (n, 4): (n,)."""
    common = np.concatenate([np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])], axis=1)
    return np.asarray(areas(common) / np.maximum(np.minimum(areas(a), areas(b)), 1e-9))


def suppress(overlap: FloatArray, score: FloatArray, limit: float) -> NDArray[np.intp]:
    """Non-maximum suppression: rows to keep, best first, so that none overlaps a better one by more than `limit`.

    Args:
        overlap: (n, n) overlap of each pair.
        score: (n,) scores.
    """
    kept: list[int] = []
    for row in np.argsort(-score, kind="stable").tolist():
        if all(overlap[row, other] <= limit for other in kept):
            kept.append(row)
    return np.array(kept, dtype=np.intp)


def weighted_suppress(xyxy: FloatArray, score: FloatArray, values: FloatArray, limit: float) -> list[FloatArray]:
    """Score-weighted means of the rows of `values` (n, k) that overlap: one (k,) per object, best first.

    Averaging over anchors is more stable than using the best one (BlazeFace, arXiv 1907.05047, section 3).
    """
    means: list[FloatArray] = []
    left = np.argsort(-score, kind="stable")
    while left.size:
        similar = iou(xyxy[left[:1]], xyxy[left])[0] > limit
        similar[0] = True
        group = left[similar]
        weight = score[group] / score[group].sum()
        means.append(np.asarray((values[group] * weight[:, None]).sum(axis=0)))
        left = left[~similar]
    return means


PERSON: Final = "person"
"""Label of a person; other labels are slugs of sound classes."""

KEYPOINTS: Final = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle", "mouth",
)  # fmt: skip
"""The 17 keypoints of COCO, left and right of the person, and the middle of the mouth."""
NUM_KEYPOINTS: Final = len(KEYPOINTS)
INDEX: Final = {name: index for index, name in enumerate(KEYPOINTS)}


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """The detections in one picture.

    Attributes:
        xyxy: (n, 4) float32, left, top, right, bottom in pixels; may extend beyond the picture.
        score: (n,) float32 in [0, 1].
        label: "person" or the slug of a sound class.
        keypoints: (n, 18, 3) float32, x and y in pixels and a confidence in [0, 1]; NaN and 0 where unknown.
    """

    xyxy: FloatArray
    score: FloatArray
    label: tuple[str, ...]
    keypoints: FloatArray

    @classmethod
    def of(
        cls,
        xyxy: ArrayLike,
        score: ArrayLike,
        label: str | Sequence[str],
        keypoints: ArrayLike | None = None,
    ) -> Boxes:
        """Create boxes and check them; a single label applies to all of them.

        Raises:
            ModelError: columns of different lengths, or scores outside 0..1.
        """
        boxes = np.asarray(xyxy, dtype=np.float32).reshape(-1, 4)
        count = len(boxes)
        scores = np.asarray(score, dtype=np.float32).reshape(-1)
        labels = (label,) * count if isinstance(label, str) else tuple(label)
        if keypoints is None:
            points = unknown_keypoints(count)
        else:
            points = np.asarray(keypoints, dtype=np.float32).reshape(-1, NUM_KEYPOINTS, 3)
        if not len(scores) == len(labels) == len(points) == count:
            raise ModelError(
                f"a detector returned {count} boxes, {len(scores)} scores, {len(labels)} labels and {len(points)} sets "
                "of keypoints for one picture"
            )
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ModelError("a detector returned scores outside 0..1")
        return cls(boxes, scores, labels, points)

    @classmethod
    def none(cls) -> Boxes:
        """No boxes."""
        return cls.of(np.zeros((0, 4)), [], ())

    @classmethod
    def joined(cls, parts: Iterable[Boxes]) -> Boxes:
        """Concatenate several sets of boxes."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.none()
        return cls(
            np.concatenate([part.xyxy for part in parts]),
            np.concatenate([part.score for part in parts]),
            tuple(label for part in parts for label in part.label),
            np.concatenate([part.keypoints for part in parts]),
        )

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.score)

    def select(self, rows: Sequence[int] | NDArray[np.intp] | NDArray[np.bool_]) -> Boxes:
        """Select boxes by indices or a mask."""
        selected = np.arange(len(self))[np.asarray(rows)] if len(rows) else np.zeros(0, dtype=np.intp)
        labels = tuple(self.label[int(row)] for row in selected)
        return Boxes(self.xyxy[selected], self.score[selected], labels, self.keypoints[selected])

    def moved(self, right: float, down: float, scale: float = 1.0) -> Boxes:
        """Convert boxes of a crop to the picture: scale them, then shift them by (right, down)."""
        offset = np.array([right, down], dtype=np.float32)
        xyxy = self.xyxy * np.float32(scale) + np.tile(offset, 2)
        keypoints = self.keypoints.copy()
        keypoints[..., :2] = keypoints[..., :2] * np.float32(scale) + offset
        return replace(self, xyxy=xyxy, keypoints=keypoints)


def unknown_keypoints(count: int) -> FloatArray:
    """Unknown keypoints (count, 18, 3)."""
    points = np.full((count, NUM_KEYPOINTS, 3), np.nan, dtype=np.float32)
    points[..., 2] = 0
    return points
