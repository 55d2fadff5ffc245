"""What a detector saw in one picture: boxes, scores, labels and keypoints, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import ModelError

FloatArray = NDArray[np.float32]

PERSON: Final = "person"
"""Label of a person; other labels are slugs of sound classes."""

KEYPOINTS: Final = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle", "mouth",
)  # fmt: skip
"""The seventeen keypoints of COCO, left and right as the person has them, and the middle of the mouth."""
NUM_KEYPOINTS: Final = len(KEYPOINTS)
INDEX: Final = {name: index for index, name in enumerate(KEYPOINTS)}


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """The things seen in one picture.

    Attributes:
        xyxy: (n, 4) float32, left, top, right, bottom in pixels; may reach beyond the picture.
        score: (n,) float32 in [0, 1].
        label: what each is: "person" or the slug of a sound class.
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
        """Build and check; one label stands for all boxes.

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
                f"a detector made {count} boxes, {len(scores)} scores, {len(labels)} labels and {len(points)} sets of "
                "keypoints for one picture"
            )
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ModelError("a detector made scores outside 0..1")
        return cls(boxes, scores, labels, points)

    @classmethod
    def none(cls) -> Boxes:
        """Nothing seen."""
        return cls.of(np.zeros((0, 4)), [], ())

    @classmethod
    def joined(cls, parts: Iterable[Boxes]) -> Boxes:
        """All boxes of several sets, in their order."""
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
        """Boxes picked by indices or a mask."""
        picked = np.arange(len(self))[np.asarray(rows)] if len(rows) else np.zeros(0, dtype=np.intp)
        labels = tuple(self.label[int(row)] for row in picked)
        return Boxes(self.xyxy[picked], self.score[picked], labels, self.keypoints[picked])

    def moved(self, right: float, down: float, scale: float = 1.0) -> Boxes:
        """The same boxes where a crop, made `scale` times as large, has its corner at (right, down)."""
        offset = np.array([right, down], dtype=np.float32)
        xyxy = self.xyxy * np.float32(scale) + np.tile(offset, 2)
        keypoints = self.keypoints.copy()
        keypoints[..., :2] = keypoints[..., :2] * np.float32(scale) + offset
        return replace(self, xyxy=xyxy, keypoints=keypoints)


def unknown_keypoints(count: int) -> FloatArray:
    """Keypoints (count, 18, 3) of which nothing is known."""
    points = np.full((count, NUM_KEYPOINTS, 3), np.nan, dtype=np.float32)
    points[..., 2] = 0
    return points
