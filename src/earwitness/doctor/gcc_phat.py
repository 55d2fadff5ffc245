"""GCC-PHAT (Knapp & Carter 1976): the delay between two channels."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

DELAY_BAND_HZ: Final = (150.0, 8000.0)
COHERENT: Final = 0.2
"""Peak height that unrelated channels do not reach by chance."""
_TINY: Final = 1e-20


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
