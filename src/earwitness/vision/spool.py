"""Arrays kept outside of memory: compressed, piece by piece, in a file without a name that is gone with the program."""

from __future__ import annotations

from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import EncodingError

_IN_MEMORY: Final = 2**20
"""Bytes from which on a file is used: short videos need none."""


class Spool:
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
