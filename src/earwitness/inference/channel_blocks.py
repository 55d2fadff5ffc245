"""What a sixth of a second after the other says of two channels: levels, level difference, and whether they agree."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BAND_HZ: Final = (300.0, 8000.0)
"""Below, the modes of small rooms turn phases, and handling noise of either channel decides."""
_BANDS: Final = 20
_LOUD_DB: Final = -60.0
_BELOW_LOUDEST_DB: Final = 30.0
"""What is so far below the loud blocks of a file is the noise of its microphones as often as its sound."""
_TINY: Final = 1e-20


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Figures of n blocks, one after the other.

    Attributes:
        seconds: that a block lasts.
        level_db: (n,) of both channels, dBFS.
        left, right: (n,) energies.
        cross: (n,) of their product.
        agreement: (n,) -1..1, real part of the coherence of left and right, mean over bands: 1 for the same sound on
            both, 0 for unrelated ones, below for opposite ones.
    """

    seconds: float
    level_db: FloatArray
    left: FloatArray
    right: FloatArray
    cross: FloatArray
    agreement: FloatArray

    def loud(self) -> NDArray[np.intp]:
        """Which blocks are loud enough to be judged."""
        if not self.level_db.size:
            return np.zeros(0, dtype=np.intp)
        least = max(_LOUD_DB, float(np.percentile(self.level_db, 95)) - _BELOW_LOUDEST_DB)
        return np.flatnonzero(self.level_db > least)


class BlockFigures:
    """Gathers `Blocks`, of which hours take a few megabytes."""

    def __init__(self, bins: NDArray[np.floating], rate: int, size: int) -> None:
        self._seconds = size / rate
        edges = np.geomspace(BAND_HZ[0], min(BAND_HZ[1], 0.45 * rate), _BANDS + 1)
        # Bands at low frequencies may be narrower than a bin: they then begin where the next does.
        self._first = np.unique(np.searchsorted(bins, edges))
        self._rows = array("f")

    def add(self, level_db: float, left: NDArray[np.complex64], right: NDArray[np.complex64]) -> None:
        """Add a block's level and its two spectra."""
        lefts, rights = self._bands(np.abs(left) ** 2), self._bands(np.abs(right) ** 2)
        cross = self._bands(np.real(np.conj(left) * right))
        agreement = float((cross / np.sqrt(lefts * rights + _TINY)).mean())
        self._rows.extend((level_db, lefts.sum(), rights.sum(), cross.sum(), agreement))

    def add_silence(self) -> None:
        """Add a block without sound."""
        self._rows.extend((-120.0, 0.0, 0.0, 0.0, 0.0))

    def _bands(self, values: NDArray[np.float32]) -> FloatArray:
        stop = int(self._first[-1])
        return np.add.reduceat(values[:stop].astype(np.float64), self._first[:-1])

    def blocks(self) -> Blocks:
        """All blocks so far."""
        columns = np.array(self._rows, dtype=np.float64).reshape(-1, 5).T
        return Blocks(self._seconds, *columns)
