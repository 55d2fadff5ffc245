"""Motion in videos of a static camera: a coarse grid of changes from picture to picture.

A mouth, clapping hands and an opening door move while they sound. The grid holds the share of changed pixels per cell.
If most of the picture changes at once, the camera moved or there is a cut, and the motion is unknown.
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
"""Label of a moving region."""
UNKNOWN: Final = 255
"""Value of unknown motion in a grid: the camera moved, or there is no previous picture."""
UNKNOWN_GRID: Final = np.full((ROWS, COLUMNS), UNKNOWN, dtype=np.uint8)
"""The grid of unknown motion."""
UNKNOWN_GRID.flags.writeable = False
_CHANGE: Final = 12
"""Smallest change of a moving pixel, grey levels; above coding noise."""
_CAMERA_SHARE: Final = 0.35
"""Share of changed cells from which the camera is assumed to move."""
_WIDTH: Final = 4 * COLUMNS
_HEIGHT: Final = 4 * ROWS
_FULL: Final = 250


@dataclass(eq=False)
class MotionMeter:
    """Compares each picture with the previous one.

    Attributes:
        grey: the last picture in grey, reduced to (180, 320); the same array for a repeated picture.
    """

    grey: ByteArray = field(default_factory=lambda: np.zeros((_HEIGHT, _WIDTH), np.uint8), init=False, repr=False)
    _before: ByteArray | None = field(default=None, init=False, repr=False)
    _shown: ByteArray | None = field(default=None, init=False, repr=False)
    _grid: ByteArray | None = field(default=None, init=False, repr=False)

    def grid(self, rgb: ByteArray) -> ByteArray:
        """Share of changed pixels of each cell, (45, 80) uint8 from 0 to 250; all `UNKNOWN` if unknown.

        A picture repeated because the video has a lower frame rate gets the same grid again.
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
            return UNKNOWN_GRID
        changed = (np.maximum(grey, before) - np.minimum(grey, before) >= _CHANGE).view(np.uint8)
        # Sums of slices are much faster than a mean over two axes.
        rows = changed[0::4] + changed[1::4] + changed[2::4] + changed[3::4]
        share = (rows[:, 0::4] + rows[:, 1::4] + rows[:, 2::4] + rows[:, 3::4]) / 16
        if (share > 0).mean() > _CAMERA_SHARE:
            return UNKNOWN_GRID
        return np.asarray(np.rint(share * _FULL), dtype=np.uint8)


def is_still(grid: ByteArray) -> bool:
    """Whether the motion is known and zero."""
    return not grid.any()


def moving_regions(grid: ByteArray, width: int, height: int, least_cells: int = 2, most: int = 8) -> Boxes:
    """Boxes of connected moving cells, in pixels, largest first; the score increases with the amount of motion.

    Args:
        grid: a grid of `MotionMeter`.
        width, height: size of the picture, pixels.
        least_cells: smaller regions are ignored as noise.
        most: largest number of regions.
    """
    if grid[0, 0] == UNKNOWN or not grid.any():
        return Boxes.none()
    from scipy import ndimage

    # The mouth and a hand of a person, or both legs, form one region.
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
    """Motion within a box, picture by picture: (t,) 0..1, NaN if unknown.

    It is the mean of the four cells with most motion, because a mouth is a small part of a person.

    Args:
        grids: (t, 45, 80) motion grids.
        xyxy: (t, 4) boxes, pixels; NaN without a box.
        width, height: size of the picture, pixels.
    """
    amount = np.full(len(grids), np.nan, dtype=np.float32)
    scale = np.array((COLUMNS / width, ROWS / height) * 2)
    for index, (grid, box) in enumerate(zip(grids, xyxy, strict=True)):
        if grid[0, 0] == UNKNOWN or not np.isfinite(box).all():
            continue
        left, top, right, bottom = np.clip(box * scale, 0, (COLUMNS, ROWS) * 2)
        cells = grid[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        if cells.size:
            largest = np.sort(cells, axis=None)[-4:]
            amount[index] = largest.mean() / _FULL
    return amount
