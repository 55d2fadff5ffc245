"""Arrays in .npz files, written and read in pieces: NumPy itself holds them whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import DTypeLike, NDArray


def write_array(
    archive: ZipFile, name: str, shape: tuple[int, ...], dtype: DTypeLike, pieces: Iterable[NDArray[Any]]
) -> None:
    """Write an array; `numpy.load` reads it.

    Args:
        archive: open for writing.
        name: of the array.
        shape, dtype: of the whole.
        pieces: the array in sequence along its first axis.
    """
    kind = np.dtype(dtype)
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for piece in pieces:
            file.write(np.ascontiguousarray(piece, dtype=kind).tobytes())


class ArrayReader:
    """Reads an array from its beginning on.

    Args:
        archive: open for reading.
        name: of the array.

    Raises:
        KeyError: there is none.
        ValueError: it is not what `numpy.savez` and `write_array` write.
    """

    def __init__(self, archive: ZipFile, name: str) -> None:
        self._file = archive.open(f"{name}.npy")
        if np.lib.format.read_magic(self._file) != (1, 0):
            raise ValueError(f"{name}: of another version")
        self._shape, in_columns, self._dtype = np.lib.format.read_array_header_1_0(self._file)
        if in_columns or self._dtype.hasobject:
            raise ValueError(f"{name}: of another kind")

    def __len__(self) -> int:
        """Length along the first axis."""
        return int(self._shape[0])

    def read(self, count: int) -> NDArray[Any]:
        """The next `count` rows, as far as there are so many.

        Raises:
            ValueError, OSError, EOFError, BadZipFile, zlib.error: the file is damaged.
        """
        shape = self._shape[1:]
        size = int(np.prod(shape, dtype=np.int64)) * self._dtype.itemsize
        return np.frombuffer(self._file.read(count * size), dtype=self._dtype).reshape(-1, *shape)


def read_array(archive: ZipFile, name: str) -> NDArray[Any]:
    """All of an array; raises as `ArrayReader` and its `read`."""
    reader = ArrayReader(archive, name)
    return reader.read(len(reader))
