"""The grids of motion of a video, ten a second: 130 MB an hour, of which a few minutes are in memory at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.spool import Spool

ByteArray = NDArray[np.uint8]

_PIECE: Final = 600
_AT_HAND: Final = 4
"""Pieces, of a minute each, that are kept in memory: events and what is seen around them lie side by side."""


class Grids:
    """Grids (45, 80) uint8, one a label frame; can be sliced as the array (n, 45, 80) that they stand for."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._last: list[ByteArray] = []
        self._known: OrderedDict[int, ByteArray] = OrderedDict()

    def add(self, grid: ByteArray) -> None:
        """Add the grid of the next frame."""
        self._last.append(grid)
        if len(self._last) == _PIECE:
            self._spool.add(motion=np.stack(self._last))
            self._last = []

    def extend(self, grids: Iterable[ByteArray]) -> None:
        """Add the grids of the next frames."""
        for grid in grids:
            self.add(grid)

    def __len__(self) -> int:
        """Label frames."""
        return len(self._spool) * _PIECE + len(self._last)

    def __iter__(self) -> Iterator[ByteArray]:
        """One grid after the other."""
        for first in range(0, len(self), _PIECE):
            yield from self[first : first + _PIECE]

    def __getitem__(self, stretch: slice) -> ByteArray:
        """Grids (t, 45, 80) of frames in a row."""
        first, stop, _ = stretch.indices(len(self))
        parts = [
            self._piece(number)[max(0, first - number * _PIECE) : stop - number * _PIECE]
            for number in range(first // _PIECE, (stop - 1) // _PIECE + 1)
        ]
        return np.concatenate(parts) if first < stop else np.zeros((0, ROWS, COLUMNS), dtype=np.uint8)

    def __array__(self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None) -> NDArray[np.generic]:
        """All of them."""
        return self[:].astype(dtype or np.uint8)

    def _piece(self, number: int) -> ByteArray:
        if number == len(self._spool):
            return np.stack(self._last)
        if number not in self._known:
            self._known[number] = self._spool.piece(number)["motion"].astype(np.uint8, copy=False)
            if len(self._known) > _AT_HAND:
                self._known.popitem(last=False)
        self._known.move_to_end(number)
        return self._known[number]
