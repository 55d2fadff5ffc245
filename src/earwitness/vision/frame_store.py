"""What a detector saw in picture after picture of a video, of which a few minutes are in memory at a time.

Arrays kept outside of memory: compressed, piece by piece, in a file without a name that is gone with the program.

The grids of motion of a video, ten a second: 130 MB an hour, of which a few minutes are in memory at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncodingError
from earwitness.vision.boxes import Boxes
from earwitness.vision.motion import COLUMNS, ROWS

_IN_MEMORY: Final = 2**20
"""Bytes from which on a file is used: short videos need none."""


class FrameStore:
    """Pieces, each of a few arrays by name, in the order in which they came."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (it lives as long as the spool)
        self._ends = [0]

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self._ends) - 1

    def add(self, **arrays: NDArray[np.generic]) -> None:
        """Add a piece.

        Raises:
            EncodingError: there is no space for temporary files.
        """
        buffer = BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        try:
            self._file.seek(self._ends[-1])
            self._file.write(buffer.getbuffer())
        except OSError as error:
            raise EncodingError(f"no temporary file ({error.strerror}); set TMPDIR to a folder with space") from None
        self._ends.append(self._ends[-1] + buffer.tell())

    def piece(self, number: int) -> dict[str, NDArray[np.generic]]:
        """The arrays of a piece."""
        self._file.seek(self._ends[number])
        with np.load(BytesIO(self._file.read(self._ends[number + 1] - self._ends[number]))) as arrays:
            return dict(arrays)


ByteArray = NDArray[np.uint8]

_GRIDS_A_PIECE: Final = 600
_AT_HAND: Final = 4
"""Pieces, of a minute each, that are kept in memory: events and what is seen around them lie side by side."""


class MotionGrids:
    """Grids (45, 80) uint8, one a label frame; can be sliced as the array (n, 45, 80) that they stand for."""

    def __init__(self) -> None:
        self._store = FrameStore()
        self._last: list[ByteArray] = []
        self._known: OrderedDict[int, ByteArray] = OrderedDict()

    def add(self, grid: ByteArray) -> None:
        """Add the grid of the next frame."""
        self._last.append(grid)
        if len(self._last) == _GRIDS_A_PIECE:
            self._store.add(motion=np.stack(self._last))
            self._last = []

    def extend(self, grids: Iterable[ByteArray]) -> None:
        """Add the grids of the next frames."""
        for grid in grids:
            self.add(grid)

    def __len__(self) -> int:
        """Label frames."""
        return len(self._store) * _GRIDS_A_PIECE + len(self._last)

    def __iter__(self) -> Iterator[ByteArray]:
        """One grid after the other."""
        for first in range(0, len(self), _GRIDS_A_PIECE):
            yield from self[first : first + _GRIDS_A_PIECE]

    def __getitem__(self, stretch: slice) -> ByteArray:
        """Grids (t, 45, 80) of frames in a row."""
        first, stop, _ = stretch.indices(len(self))
        parts = [
            self._piece(number)[max(0, first - number * _GRIDS_A_PIECE) : stop - number * _GRIDS_A_PIECE]
            for number in range(first // _GRIDS_A_PIECE, (stop - 1) // _GRIDS_A_PIECE + 1)
        ]
        return np.concatenate(parts) if first < stop else np.zeros((0, ROWS, COLUMNS), dtype=np.uint8)

    def __array__(self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None) -> NDArray[np.generic]:
        """All of them."""
        return self[:].astype(dtype or np.uint8)

    def _piece(self, number: int) -> ByteArray:
        if number == len(self._store):
            return np.stack(self._last)
        if number not in self._known:
            self._known[number] = self._store.piece(number)["motion"].astype(np.uint8, copy=False)
            if len(self._known) > _AT_HAND:
                self._known.popitem(last=False)
        self._known.move_to_end(number)
        return self._known[number]


_PICTURES_A_PIECE: Final = 256


class SeenBoxes(Sequence[Boxes]):
    """Boxes, one a picture."""

    def __init__(self) -> None:
        self._store = FrameStore()
        self._last: list[Boxes] = []
        self._known: tuple[int, list[Boxes]] = (-1, [])

    def add(self, boxes: Boxes) -> None:
        """Add what was seen in the next picture."""
        self._last.append(boxes)
        if len(self._last) == _PICTURES_A_PIECE:
            whole = Boxes.joined(self._last)
            self._store.add(
                counts=np.array([len(one) for one in self._last]),
                xyxy=whole.xyxy,
                score=whole.score,
                label=np.array(whole.label, dtype=np.str_),
                keypoints=whole.keypoints,
            )
            self._last = []

    def __len__(self) -> int:
        """Pictures."""
        return len(self._store) * _PICTURES_A_PIECE + len(self._last)

    def __iter__(self) -> Iterator[Boxes]:
        """One picture after the other."""
        for number in range(len(self._store)):
            yield from self._piece(number)
        yield from self._last

    @overload
    def __getitem__(self, index: int) -> Boxes: ...
    @overload
    def __getitem__(self, index: slice) -> list[Boxes]: ...
    def __getitem__(self, index: int | slice) -> Boxes | list[Boxes]:
        """Of one picture, or of several."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._piece(place // _PICTURES_A_PIECE)[place % _PICTURES_A_PIECE]

    def _piece(self, number: int) -> list[Boxes]:
        if number == len(self._store):
            return self._last
        if number != self._known[0]:
            self._known = number, _apart(self._store.piece(number))
        return self._known[1]


def _apart(columns: dict[str, Any]) -> list[Boxes]:
    """What was seen in each picture, from columns of all."""
    whole = Boxes.of(columns["xyxy"], columns["score"], columns["label"].tolist(), columns["keypoints"])
    ends = np.cumsum(columns["counts"])
    return [
        whole.select(np.arange(end - count, end))
        for end, count in zip(ends.tolist(), columns["counts"].tolist(), strict=True)
    ]
