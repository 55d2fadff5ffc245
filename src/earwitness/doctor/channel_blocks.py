"""Block-wise figures of two channels: levels, level difference and agreement, one block per sixth of a second."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.doctor.gcc_phat import power

FloatArray = NDArray[np.float64]

BAND_HZ: Final = (300.0, 8000.0)
"""Below this band, room modes disturb the phases, and handling noise of one channel dominates."""
_BANDS: Final = 20
_LOUD_DB: Final = -60.0
_BELOW_LOUDEST_DB: Final = 30.0
"""Blocks this far below the loud blocks of a file are often microphone noise."""
_TINY: Final = 1e-20
_SILENCE: Final = (-120.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Figures of n consecutive blocks.

    Attributes:
        seconds: duration of a block.
        level_db: (n,) level of both channels together, dBFS.
        left, right: (n,) energies of the channels.
        cross: (n,) energy of their product.
        agreement: (n,) -1..1, real part of the coherence of left and right, averaged over bands: 1 for the same sound,
            0 for unrelated sounds, negative for inverted sound.
    """

    seconds: float
    level_db: FloatArray
    left: FloatArray
    right: FloatArray
    cross: FloatArray
    agreement: FloatArray

    def loud(self) -> NDArray[np.intp]:
        """Indices of the blocks that are loud enough to be judged."""
        if not self.level_db.size:
            return np.zeros(0, dtype=np.intp)
        least = max(_LOUD_DB, float(np.percentile(self.level_db, 95)) - _BELOW_LOUDEST_DB)
        return np.flatnonzero(self.level_db > least)


class BlockFigures:
    """Collects the figures of `Blocks`; hours of sound take a few megabytes."""

    def __init__(self, bins: NDArray[np.floating], rate: int, size: int) -> None:
        self._seconds = size / rate
        edges = np.geomspace(BAND_HZ[0], min(BAND_HZ[1], 0.45 * rate), _BANDS + 1)
        # Bands at low frequencies may be narrower than one bin; they are merged with the next.
        self._first = np.unique(np.searchsorted(bins, edges))
        self._rows = array("f")

    def add(self, level_db: float, left: NDArray[np.complex64], right: NDArray[np.complex64]) -> None:
        """Add the level and the two spectra of a block."""
        self.add_blocks(np.array([level_db]), left[None], right[None], np.zeros(1, np.bool_))

    def add_silence(self) -> None:
        """Add a silent block."""
        self._rows.extend(_SILENCE)

    def add_blocks(
        self, level_db: FloatArray, left: NDArray[np.complex64], right: NDArray[np.complex64], silent: NDArray[np.bool_]
    ) -> None:
        """Add n blocks: their levels, spectra (n, bins) of both channels, and which of them are silent."""
        lefts, rights = self._bands(power(left)), self._bands(power(right))
        cross = self._bands(left.real * right.real + left.imag * right.imag)
        agreement = (cross / np.sqrt(lefts * rights + _TINY)).mean(axis=1)
        rows = np.stack([level_db, *(values.sum(axis=1) for values in (lefts, rights, cross)), agreement], axis=1)
        rows[silent] = _SILENCE
        self._rows.extend(rows.ravel().tolist())

    def _bands(self, values: NDArray[np.float32]) -> FloatArray:
        stop = int(self._first[-1])
        return np.add.reduceat(values[:, :stop].astype(np.float64), self._first[:-1], axis=1)

    def blocks(self) -> Blocks:
        """All blocks so far."""
        columns = np.array(self._rows, dtype=np.float64).reshape(-1, 5).T
        return Blocks(self._seconds, *columns)
