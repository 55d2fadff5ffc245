"""Storage of the detections and motion grids of a video, with only a few minutes of them in memory.

Arrays are stored compressed, piece by piece, in an unnamed temporary file. Motion grids take 130 MB per hour.
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
"""Size in bytes from which a file is used; short videos stay in memory."""


class FrameStore:
    """A sequence of pieces, each a few named arrays."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (it is open as long as the store)
        self._ends = [0]

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self._ends) - 1

    def add(self, **arrays: NDArray[np.generic]) -> None:
        """Add a piece.

        Raises:
            EncodingError: a temporary file cannot be written.
        """
        buffer = BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        try:
            self._file.seek(self._ends[-1])
            self._file.write(buffer.getbuffer())
        except OSError as error:
            raise EncodingError(
                f"cannot write a temporary file ({error.strerror}); set TMPDIR to a folder with free space"
            ) from None
        self._ends.append(self._ends[-1] + buffer.tell())

    def piece(self, number: int) -> dict[str, NDArray[np.generic]]:
        """The arrays of a piece."""
        self._file.seek(self._ends[number])
        with np.load(BytesIO(self._file.read(self._ends[number + 1] - self._ends[number]))) as arrays:
            return dict(arrays)


ByteArray = NDArray[np.uint8]

_GRIDS_PER_PIECE: Final = 600
_CACHED_PIECES: Final = 4
"""Pieces (of a minute each) kept in memory; consecutive events need neighbouring pieces."""


class MotionGrids:
    """Motion grids (45, 80) uint8, one per label frame; can be sliced like an array (n, 45, 80)."""

    def __init__(self) -> None:
        self._store = FrameStore()
        self._last: list[ByteArray] = []
        self._known: OrderedDict[int, ByteArray] = OrderedDict()

    def add(self, grid: ByteArray) -> None:
        """Add the grid of the next frame."""
        self._last.append(grid)
        if len(self._last) == _GRIDS_PER_PIECE:
            self._store.add(motion=np.stack(self._last))
            self._last = []

    def extend(self, grids: Iterable[ByteArray]) -> None:
        """Add the grids of the next frames."""
        for grid in grids:
            self.add(grid)

    def __len__(self) -> int:
        """Number of label frames."""
        return len(self._store) * _GRIDS_PER_PIECE + len(self._last)

    def __iter__(self) -> Iterator[ByteArray]:
        """Iterate over the grids."""
        for first in range(0, len(self), _GRIDS_PER_PIECE):
            yield from self[first : first + _GRIDS_PER_PIECE]

    def __getitem__(self, stretch: slice) -> ByteArray:
        """Grids (t, 45, 80) of a range of frames."""
        first, stop, _ = stretch.indices(len(self))
        parts = [
            self._piece(number)[max(0, first - number * _GRIDS_PER_PIECE) : stop - number * _GRIDS_PER_PIECE]
            for number in range(first // _GRIDS_PER_PIECE, (stop - 1) // _GRIDS_PER_PIECE + 1)
        ]
        return np.concatenate(parts) if first < stop else np.zeros((0, ROWS, COLUMNS), dtype=np.uint8)

    def __array__(self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None) -> NDArray[np.generic]:
        """All grids as one array."""
        return self[:].astype(dtype or np.uint8)

    def _piece(self, number: int) -> ByteArray:
        if number == len(self._store):
            return np.stack(self._last)
        if number not in self._known:
            self._known[number] = self._store.piece(number)["motion"].astype(np.uint8, copy=False)
            if len(self._known) > _CACHED_PIECES:
                self._known.popitem(last=False)
        self._known.move_to_end(number)
        return self._known[number]


_PICTURES_PER_PIECE: Final = 256


class BoxStore(Sequence[Boxes]):
    """Detections, one `Boxes` per picture."""

    def __init__(self) -> None:
        self._store = FrameStore()
        self._last: list[Boxes] = []
        self._known: tuple[int, list[Boxes]] = (-1, [])

    def add(self, boxes: Boxes) -> None:
        """Add the detections of the next picture."""
        self._last.append(boxes)
        if len(self._last) == _PICTURES_PER_PIECE:
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
        """Number of pictures."""
        return len(self._store) * _PICTURES_PER_PIECE + len(self._last)

    def __iter__(self) -> Iterator[Boxes]:
        """Iterate over the pictures."""
        for number in range(len(self._store)):
            yield from self._piece(number)
        yield from self._last

    @overload
    def __getitem__(self, index: int) -> Boxes: ...
    @overload
    def __getitem__(self, index: slice) -> list[Boxes]: ...
    def __getitem__(self, index: int | slice) -> Boxes | list[Boxes]:
        """The detections of one picture or of several."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._piece(place // _PICTURES_PER_PIECE)[place % _PICTURES_PER_PIECE]

    def _piece(self, number: int) -> list[Boxes]:
        if number == len(self._store):
            return self._last
        if number != self._known[0]:
            self._known = number, _split(self._store.piece(number))
        return self._known[1]


def _split(columns: dict[str, Any]) -> list[Boxes]:
    """Split the columns of several pictures into one `Boxes` per picture."""
    whole = Boxes.of(columns["xyxy"], columns["score"], columns["label"].tolist(), columns["keypoints"])
    ends = np.cumsum(columns["counts"])
    return [
        whole.select(np.arange(end - count, end))
        for end, count in zip(ends.tolist(), columns["counts"].tolist(), strict=True)
    ]
