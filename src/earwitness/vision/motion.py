"""What moves in a video of a camera that stands still: a coarse grid of change from picture to picture.

A mouth, clapping hands and a door that opens move while they sound. The grid says how much of each cell changed; where
most of the picture changes at once the camera moved, or the scene was cut, and nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.boxes import Boxes

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

COLUMNS: Final = 80
ROWS: Final = 45
MOVING: Final = "motion"
"""Label of a region of which nothing is known but that it moves."""
UNKNOWN: Final = 255
"""In a grid: the camera moved, or there is no picture before."""
UNSEEN: Final = np.full((ROWS, COLUMNS), UNKNOWN, dtype=np.uint8)
"""The grid of which nothing is known."""
UNSEEN.flags.writeable = False
_CHANGE: Final = 12
"""Grey levels that a pixel must change by: codecs change less where nothing moves."""
_CAMERA_SHARE: Final = 0.35
"""Share of changed cells from which on the camera is thought to move."""
_WIDTH: Final = 4 * COLUMNS
_HEIGHT: Final = 4 * ROWS
_FULL: Final = 250


@dataclass(eq=False)
class MotionMeter:
    """Compares each picture with the one before.

    Attributes:
        grey: the last picture in grey and small, (180, 320); the same array for one that was shown again.
    """

    grey: ByteArray = field(default_factory=lambda: np.zeros((_HEIGHT, _WIDTH), np.uint8), init=False, repr=False)
    _before: ByteArray | None = field(default=None, init=False, repr=False)
    _shown: ByteArray | None = field(default=None, init=False, repr=False)
    _grid: ByteArray | None = field(default=None, init=False, repr=False)

    def grid(self, rgb: ByteArray) -> ByteArray:
        """Share of changed pixels of each cell, (45, 80) uint8 from 0 to 250; all `UNKNOWN` where nothing is known.

        A picture that is shown again, because the video has fewer than are asked for, moves as it did the first time.
        """
        if rgb is self._shown and self._grid is not None:
            return self._grid
        self._shown = rgb
        self._grid = self._compare(rgb)
        return self._grid

    def _compare(self, rgb: ByteArray) -> ByteArray:
        small = Image.fromarray(rgb).convert("L").resize((_WIDTH, _HEIGHT), Image.Resampling.BOX, reducing_gap=1.0)
        grey = np.asarray(small)
        before, self._before, self.grey = self._before, grey, grey
        if before is None:
            return UNSEEN
        changed = (np.maximum(grey, before) - np.minimum(grey, before) >= _CHANGE).view(np.uint8)
        # Sums of slices: many times faster than a mean over two axes.
        rows = changed[0::4] + changed[1::4] + changed[2::4] + changed[3::4]
        share = (rows[:, 0::4] + rows[:, 1::4] + rows[:, 2::4] + rows[:, 3::4]) / 16
        if (share > 0).mean() > _CAMERA_SHARE:
            return UNSEEN
        return np.asarray(np.rint(share * _FULL), dtype=np.uint8)


def is_still(grid: ByteArray) -> bool:
    """Whether it is known that nothing moved."""
    return not grid.any()


def moving_regions(grid: ByteArray, width: int, height: int, least_cells: int = 2, most: int = 8) -> Boxes:
    """Connected moving cells as boxes in pixels of a picture, largest first; their score grows with what moves.

    Args:
        grid: of a `MotionMeter`.
        width, height: of the picture, pixels.
        least_cells: smaller regions are noise.
        most: regions a picture.
    """
    if grid[0, 0] == UNKNOWN or not grid.any():
        return Boxes.none()
    from scipy import ndimage

    # A person's mouth and hand, or both legs, are one region.
    joined = ndimage.binary_dilation(grid > 0, structure=np.ones((5, 3), dtype=np.bool_))
    labels, count = ndimage.label(joined, structure=np.ones((3, 3), dtype=np.int8))
    boxes, scores = [], []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels, count), start=1):
        part = np.where(labels[rows, columns] == number, grid[rows, columns], 0)
        cells = np.argwhere(part)
        if len(cells) < least_cells:
            continue
        (top, left), (bottom, right) = cells.min(axis=0), cells.max(axis=0) + 1
        box = (columns.start + left, rows.start + top, columns.start + right, rows.start + bottom)
        boxes.append(np.multiply(box, (width / COLUMNS, height / ROWS) * 2))
        scores.append(1 - float(np.exp(-float(part.sum()) / _FULL / 2)))
    order = np.argsort(scores)[::-1][:most]
    return Boxes.of(np.reshape(boxes, (-1, 4))[order], np.array(scores)[order], MOVING)


def motion_within(grids: ByteArray, xyxy: FloatArray, width: int, height: int) -> FloatArray:
    """How much moves in a box, picture by picture: (t,) 0..1, NaN where nothing is known.

    The busiest cells count, not the mean: a mouth is a small part of a person.

    Args:
        grids: (t, 45, 80).
        xyxy: (t, 4) pixels; NaN where there is no box.
        width, height: of the picture.
    """
    amount = np.full(len(grids), np.nan, dtype=np.float32)
    scale = np.array((COLUMNS / width, ROWS / height) * 2)
    for index, (grid, box) in enumerate(zip(grids, xyxy, strict=True)):
        if grid[0, 0] == UNKNOWN or not np.isfinite(box).all():
            continue
        left, top, right, bottom = np.clip(box * scale, 0, (COLUMNS, ROWS) * 2)
        cells = grid[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        if cells.size:
            busiest = np.sort(cells, axis=None)[-4:]
            amount[index] = busiest.mean() / _FULL
    return amount
