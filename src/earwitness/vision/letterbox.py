"""What of a picture its camera fills: not black bars, a ground that it is laid on, or a blurred copy at its sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

_BLACK: Final = 28
"""Grey level up to which a bar counts as black: codecs leave it at 16 to 20, and ring at its edge."""
_LEAST: Final = 0.02
_ALIKE: Final = 0.015
_UNIFORM: Final = 10
"""Grey levels between darkest and brightest of a ground of one colour."""
_WINDOW: Final = 0.3
"""Share of the picture's sides that a window on a ground has at least."""
_WINDOW_SIDES: Final = 3
"""Sides on which there is ground around a window: two may be a wall and a floor."""
_BORDER: Final = 0.5
"""Share of each side of a window that must differ from the ground right at its border: what only moves has no sides."""
_BLURRED: Final = 0.3
"""Of the detail in the middle, what a blurred copy has at most; a picture that was made larger loses half."""
_LEAST_BLURRED: Final = 0.1
_LEAST_DETAIL: Final = 1.0
"""Grey levels from row to row; less in the middle is no detail that the sides could lack."""
_STEP: Final = 2.5
"""Times as much as in the columns around it, a picture changes at the border of its blurred copy."""


@dataclass(eq=False)
class LetterboxFinder:
    """Remembers the brightest and the darkest value of every pixel over a shot: bars stay as they are."""

    _bright: ByteArray | None = field(default=None, init=False, repr=False)
    _dark: ByteArray | None = field(default=None, init=False, repr=False)
    _detail: FloatArray | None = field(default=None, init=False, repr=False)
    _steps: FloatArray | None = field(default=None, init=False, repr=False)

    def add(self, picture: Image.Image) -> None:
        """Take note of a picture; all must have one size."""
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
        """Left, top, right, bottom (pixels) of what is not bar.

        Bars come in pairs of one width; a night at one side of the picture is not a bar. A window may lie anywhere on a
        ground of one colour.
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
    """A rectangle on a ground of one colour; all of the picture where there is none."""
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
    """Between the two sides of an upright picture that lies on a blurred copy of itself."""
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
    """The column at which a picture begins or ends all at once."""
    low = max(1, near - 6)
    around = steps[low : near + 7]
    if not around.size:
        return None
    usual = float(np.median(steps[max(0, near - 25) : near + 25]))
    top = int(around.argmax())
    return low + top + 1 if around[top] >= _STEP * max(usual, 0.5) else None


def _mean_change(grey: ByteArray, axis: int, order: int = 1) -> FloatArray:
    """Mean absolute change along an axis, or change of the change, one value a column."""
    steps = np.abs(np.diff(grey.astype(np.int16), n=order, axis=axis))
    return np.asarray(steps.mean(axis=0), dtype=np.float64)
