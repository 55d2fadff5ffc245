"""Figures of two channels: their delay, and block by block their levels, level difference and agreement.

Delays are found by GCC-PHAT (Knapp & Carter 1976). A block is a sixth of a second.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

DELAY_BAND_HZ: Final = (150.0, 8000.0)
COHERENT: Final = 0.2
"""Peak height that unrelated channels do not reach by chance."""
_TINY: Final = 1e-20

FloatArray = NDArray[np.float64]

BAND_HZ: Final = (300.0, 8000.0)
"""Below this band, room modes disturb the phases, and handling noise of one channel dominates."""
_BANDS: Final = 20
_LOUD_DB: Final = -60.0
_BELOW_LOUDEST_DB: Final = 30.0
"""Blocks this far below the loud blocks of a file are often microphone noise."""
_SILENCE: Final = (-120.0, 0.0, 0.0, 0.0, 0.0)


class Peak(NamedTuple):
    """The highest peak of a cross-correlation.

    Attributes:
        lag: delay of the right channel, seconds; negative if it is earlier.
        height: height of the peak; 1 for a pure delay.
        at_zero: height at lag 0.
    """

    lag: float
    height: float
    at_zero: float

    @property
    def delayed(self) -> bool:
        """Whether there is a clear peak and little correlation, positive or negative, at lag 0."""
        return self.height > COHERENT and abs(self.at_zero) < self.height / 2


def delay_band(bins: NDArray[np.floating], rate: int) -> NDArray[np.bool_]:
    """Mask of the frequencies (Hz, rising) used to measure delays."""
    return np.asarray((bins >= DELAY_BAND_HZ[0]) & (bins <= min(DELAY_BAND_HZ[1], 0.45 * rate)))


def as_slice(band: NDArray[np.bool_]) -> slice:
    """A contiguous mask as a slice, which is faster to use."""
    inside = np.flatnonzero(band)
    return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)


def cross_phases(
    left: NDArray[np.complex64], right: NDArray[np.complex64], band: slice | NDArray[np.bool_]
) -> NDArray[np.complex64]:
    """Phases of cross-spectra (..., bins): magnitude 1 in the band and 0 outside."""
    phases = np.zeros_like(left)
    cross = np.conj(left[..., band]) * right[..., band]
    phases[..., band] = cross / (np.abs(cross) + np.float32(_TINY))
    return phases


def power(spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Squared magnitude."""
    return np.square(spectrum.real) + np.square(spectrum.imag)


def least_delay(rate: int) -> float:
    """Smallest measurable time difference, seconds."""
    return max(5e-5, 0.75 / rate)


def peak_lag(phases: NDArray[np.complexfloating], size: int, rate: int, largest: float, bins_in_band: int) -> Peak:
    """The highest peak up to a maximum lag.

    Args:
        phases: phases of a spectrum of `size` samples, or the mean of several.
        size: number of samples.
        rate: samples per second.
        largest: maximum lag, seconds.
        bins_in_band: number of bins in the band.
    """
    return peak_lags(phases[None], size, rate, largest, bins_in_band)[0]


def peak_lags(
    phases: NDArray[np.complexfloating], size: int, rate: int, largest: float, bins_in_band: int
) -> list[Peak]:
    """As `peak_lag`, for the phases of n spectra (n, bins)."""
    scale = size / (2 * max(1, bins_in_band))
    reach = min(int(np.ceil(largest * rate)), size // 2 - 1)
    curves = scipy.fft.irfft(phases, size, axis=1)
    near = np.concatenate([curves[:, -reach:], curves[:, : reach + 1]], axis=1) * scale
    return [_peak_of(row, reach, rate) for row in near]


def _peak_of(near: NDArray[np.floating], reach: int, rate: int) -> Peak:
    """The highest peak of a correlation at the lags -reach..reach, in samples."""
    top = int(np.argmax(near))
    shift = 0.0
    if 0 < top < near.size - 1:
        before, at, after = near[top - 1 : top + 2]
        shift = 0.5 * (before - after) / min(before - 2 * at + after, -_TINY)
    return Peak((top - reach + shift) / rate, float(near[top]), float(near[reach]))


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
