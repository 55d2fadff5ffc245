"""The area of a picture filled by the camera, without black bars, plain backgrounds and blurred copies at the sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

_BLACK: Final = 28
"""Largest grey level of a black bar: codecs encode black as 16 to 20, with ringing at the edge."""
_LEAST: Final = 0.02
_ALIKE: Final = 0.015
_UNIFORM: Final = 10
"""Largest range of grey levels of a plain background."""
_WINDOW: Final = 0.3
"""Smallest size of a picture on a background, as a share of each side."""
_WINDOW_SIDES: Final = 3
"""Smallest number of sides with background; two may be a wall and a floor."""
_BORDER: Final = 0.5
"""Smallest share of each border that must differ from the background; moving objects have no straight borders."""
_BLURRED: Final = 0.3
"""Largest detail of a blurred copy, relative to the middle; an enlarged picture loses half."""
_LEAST_BLURRED: Final = 0.1
_LEAST_DETAIL: Final = 1.0
"""Smallest detail of the middle, grey levels from row to row, for which the sides can be judged."""
_STEP: Final = 2.5
"""Smallest ratio of the change at the border of a blurred copy to that of the columns around it."""


@dataclass(eq=False)
class LetterboxFinder:
    """Finds bars by the brightest and darkest value of every pixel over a shot: bars do not change."""

    _bright: ByteArray | None = field(default=None, init=False, repr=False)
    _dark: ByteArray | None = field(default=None, init=False, repr=False)
    _detail: FloatArray | None = field(default=None, init=False, repr=False)
    _steps: FloatArray | None = field(default=None, init=False, repr=False)

    def add(self, picture: Image.Image) -> None:
        """Add a picture; all must have the same size."""
        grey = np.asarray(picture.convert("L"))
        detail, steps = _mean_change(grey, axis=0, order=2), _mean_change(grey, axis=1)
        if self._bright is None or self._dark is None or self._detail is None or self._steps is None:
            self._bright, self._dark, self._detail, self._steps = grey.copy(), grey.copy(), detail, steps
            return
        np.maximum(self._bright, grey, out=self._bright)
        np.minimum(self._dark, grey, out=self._dark)
        np.maximum(self._detail, detail, out=self._detail)
        np.minimum(self._steps, steps, out=self._steps)

    def content(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom (pixels) of the area without bars.

        Bars come in pairs of the same width, so a dark area at one side is not a bar. On a plain background, the area
        may lie anywhere.
        """
        if self._bright is None or self._dark is None or self._detail is None or self._steps is None:
            return 0, 0, 0, 0
        height, width = self._bright.shape
        left, right = _between(self._bright.max(axis=0))
        top, bottom = _between(self._bright.max(axis=1))
        if (left, top, right, bottom) == (0, 0, width, height):
            left, top, right, bottom = _window(self._bright, self._dark)
        if (left, right) == (0, width):
            left, right = _between_blurred(self._detail, self._steps)
        return left, top, right, bottom


def _window(bright: ByteArray, dark: ByteArray) -> tuple[int, int, int, int]:
    """The rectangle on a plain background; the whole picture if there is none."""
    height, width = bright.shape
    corners = bright[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    level = int(np.median(corners))
    other = (bright > level + _UNIFORM) | (dark < level - _UNIFORM)
    columns, rows = np.flatnonzero(other.any(axis=0)), np.flatnonzero(other.any(axis=1))
    if not columns.size:
        return 0, 0, width, height
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    sides = (left / width, top / height, 1 - right / width, 1 - bottom / height)
    within = other[top:bottom, left:right]
    borders = (within[:, :2].any(axis=1), within[:, -2:].any(axis=1), within[:2].any(axis=0), within[-2:].any(axis=0))
    if (
        sum(side >= _LEAST for side in sides) < _WINDOW_SIDES
        or right - left < _WINDOW * width
        or bottom - top < _WINDOW * height
        or min(border.mean() for border in borders) < _BORDER
    ):
        return 0, 0, width, height
    return left, top, right, bottom


def _between(brightest: ByteArray) -> tuple[int, int]:
    length = len(brightest)
    lit = np.flatnonzero(brightest > _BLACK)
    if not lit.size:
        return 0, length
    before, after = int(lit[0]), length - 1 - int(lit[-1])
    return (before, length - after) if _is_pair(before, after, length) else (0, length)


def _is_pair(before: int, after: int, length: int) -> bool:
    return min(before, after) >= _LEAST * length and abs(before - after) <= max(2, _ALIKE * length)


def _between_blurred(detail: FloatArray, steps: FloatArray) -> tuple[int, int]:
    """Left and right of an upright picture that lies on a blurred copy of itself."""
    width = len(detail)
    middle = float(np.median(detail[width // 3 : width - width // 3]))
    if middle < _LEAST_DETAIL:
        return 0, width
    sharp = np.flatnonzero(np.convolve(detail, np.ones(5) / 5, "same") > _BLURRED * middle)
    if not sharp.size:
        return 0, width
    left, right = _border(steps, int(sharp[0])), _border(steps, int(sharp[-1]))
    if left is None or right is None or left < _LEAST_BLURRED * width or not _is_pair(left, width - right, width):
        return 0, width
    return left, right


def _border(steps: FloatArray, near: int) -> int | None:
    """The column of a sharp border near a column; None if there is none."""
    low = max(1, near - 6)
    around = steps[low : near + 7]
    if not around.size:
        return None
    usual = float(np.median(steps[max(0, near - 25) : near + 25]))
    top = int(around.argmax())
    return low + top + 1 if around[top] >= _STEP * max(usual, 0.5) else None


def _mean_change(grey: ByteArray, axis: int, order: int = 1) -> FloatArray:
    """Mean absolute difference of the given order along an axis, one value per column."""
    steps = np.abs(np.diff(grey.astype(np.int16), n=order, axis=axis))
    return np.asarray(steps.mean(axis=0), dtype=np.float64)
