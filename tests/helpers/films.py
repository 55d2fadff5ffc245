"""Pictures and a detector of which everything is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.boxes import PERSON, Boxes, unknown_keypoints

RGBArray = NDArray[np.uint8]


class RedFinder:
    """Finds the red rectangle; its mouth is in the middle of the upper edge."""

    name = "red"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.sizes: set[tuple[int, int]] = set()

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        self.batches.append(len(pictures))
        self.sizes |= {picture.shape[:2] for picture in pictures}
        return [self._find(picture.astype(int)) for picture in pictures]

    @staticmethod
    def _find(picture: Any) -> Boxes:
        red = (picture[..., 0] > 150) & (picture[..., 1] < 110) & (picture[..., 2] < 110)
        if red.sum() < 20:
            return Boxes.none()
        rows, columns = np.nonzero(red)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        keypoints = unknown_keypoints(1)
        keypoints[0, 17] = ((box[0] + box[2]) / 2, box[1], 0.9)
        return Boxes.of([box], [0.9], PERSON, keypoints)


def scene(x: int, y: int = 100, width: int = 320, height: int = 180, side: int = 40) -> RGBArray:
    """A red rectangle with its left upper corner at (x, y), on grey."""
    picture = np.full((height, width, 3), 120, np.uint8)
    picture[y : y + side, max(0, x) : x + side] = (220, 30, 30)
    return picture
