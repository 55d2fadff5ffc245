"""Black bars round a picture: letterboxing, of which a camera's field of view knows nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BLACK: Final = 28
"""Grey level up to which a bar counts as black: codecs leave it at 16 to 20, and ring at its edge."""
_LEAST: Final = 0.02
_ALIKE: Final = 0.015


@dataclass(eq=False)
class LetterboxFinder:
    """Remembers the brightest value of every column and row over a video: bars stay black throughout."""

    _columns: NDArray[np.uint8] | None = field(default=None, init=False, repr=False)
    _rows: NDArray[np.uint8] | None = field(default=None, init=False, repr=False)

    def add(self, picture: Image.Image) -> None:
        """Take note of a picture; all must have one size."""
        grey = np.asarray(picture.convert("L"))
        columns, rows = grey.max(axis=0), grey.max(axis=1)
        if self._columns is None or self._rows is None:
            self._columns, self._rows = columns, rows
        else:
            np.maximum(self._columns, columns, out=self._columns)
            np.maximum(self._rows, rows, out=self._rows)

    def content(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom (pixels) of what is not bar.

        Bars come in pairs of one width; a night at one side of the picture is not a bar.
        """
        if self._columns is None or self._rows is None:
            return 0, 0, 0, 0
        left, right = _between(self._columns)
        top, bottom = _between(self._rows)
        return left, top, right, bottom


def _between(brightest: NDArray[np.uint8]) -> tuple[int, int]:
    length = len(brightest)
    lit = np.flatnonzero(brightest > _BLACK)
    if not lit.size:
        return 0, length
    before, after = int(lit[0]), length - 1 - int(lit[-1])
    if min(before, after) < _LEAST * length or abs(before - after) > max(2, _ALIKE * length):
        return 0, length
    return before, length - after
