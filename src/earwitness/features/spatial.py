"""Spatial features: intensity, coherence and stpACC of two coincident cardioids, and GCC-PHAT of any pair.

The two channels are cardioids facing left and right. For a plane wave from s = sin(azimuth) cos(elevation),
L = (1 + s) w and R = (1 - s) w, hence mid M = (L + R)/2 = w and side S = (L - R)/2 = s w.

Microphones at different places also have time differences, which the GCC-PHAT shows (Knapp & Carter 1976).

The short-term power of the autocorrelation (stpACC) shows reflections within 21 ms, a cue to the distance.

Source: Berghi & Jackson (arXiv 2507.04845); the steps follow the authors' code, and the tests compare with its results.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

SMOOTHING_TAPS: Final = 8
_HALF_TAPS: Final = np.hanning(SMOOTHING_TAPS)[1 : SMOOTHING_TAPS // 2].astype(np.float32)
_TINY: Final = np.finfo(np.float32).tiny


def stpacc(power: NDArray[np.float32], lags: int = 512, bins: int = 64) -> NDArray[np.float32]:
    """Autocorrelation features from power spectra.

    |X|^2 -> inverse FFT -> first `lags` values, negative ones set to 0 -> divided by the maximum -> squared -> smoothed
    over lags by an 8-point Hann window -> divided by the maximum -> Fourier-resampled to `bins`.

    Args:
        power: (F, window // 2 + 1) squared magnitudes of an STFT, at any scale.

    Returns:
        (F, bins) float32; about 0.35 at lag 0, with slightly negative values from ringing; zeros for silence.
    """
    lagged = np.maximum(scipy.fft.irfft(power, axis=-1)[:, :lags], 0.0)
    np.square(lagged / np.maximum(lagged.max(axis=-1, keepdims=True), _TINY), out=lagged)
    smooth = _smooth(lagged)
    smooth /= np.maximum(smooth.max(axis=-1, keepdims=True), _TINY)
    return smooth @ _resampler(lags, bins)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convolve rows with the Hann window, whose end points are 0, like NumPy's mode 'same' (taps at -3..+2)."""
    before, after = SMOOTHING_TAPS // 2 - 1, SMOOTHING_TAPS // 2 - 2
    width = values.shape[1]
    padded = np.pad(values, ((0, 0), (before, after)))
    last = before + after
    smooth = np.zeros_like(values)
    for tap, weight in enumerate(_HALF_TAPS):
        smooth += weight * (padded[:, tap : tap + width] + padded[:, last - tap : last - tap + width])
    return smooth


@lru_cache(maxsize=8)
def _resampler(lags: int, bins: int) -> NDArray[np.float32]:
    """Matrix (lags, bins) of the Fourier resampling, which is linear, so that one product resamples all frames.

    It equals `scipy.signal.resample`, whose import takes longer than a minute of sound.
    """
    spectrum = np.fft.rfft(np.eye(lags))[:, : bins // 2 + 1]
    if bins % 2 == 0 and bins < lags:  # the highest frequency stands for its negative twin, too
        spectrum[:, -1] = 2 * spectrum[:, -1].real
    matrix = np.asarray(np.fft.irfft(spectrum, bins) * (bins / lags), dtype=np.float32)
    matrix.flags.writeable = False
    return matrix


GCC_SECONDS: Final = 0.75e-3
"""Largest lag of the GCC-PHAT: the time difference of microphones 26 cm apart."""
_SILENT_BIN: Final = np.float32(1e-12)
"""Power of a frequency (1 for a full-scale sine) that is about the noise of 16-bit samples."""


@dataclass(frozen=True, slots=True, eq=False)
class GccTransform:
    """GCC-PHAT at `lags` equidistant lags from -`GCC_SECONDS` to `GCC_SECONDS`, interpolated between the samples.

    Lags are symmetric: none is zero if their number is even, and swapping the channels reverses them exactly. For a
    positive lag, the sound reaches the left channel first.

    Source: Knapp & Carter, "The generalized correlation method for estimation of time delay" (1976).

    Attributes:
        cosines, sines: (bins, ceil(lags / 2)) of the lags that are not negative, the smallest first.
        lags: their total number.
    """

    cosines: NDArray[np.float32]
    sines: NDArray[np.float32]
    lags: int

    @classmethod
    def of(cls, sample_rate: int, window: int, lags: int) -> GccTransform:
        """For spectra of `window` samples at `sample_rate` Hz."""
        after = np.linspace(-GCC_SECONDS, GCC_SECONDS, lags)[lags // 2 :] if lags > 1 else np.zeros(1)
        angle = 2 * np.pi * np.fft.rfftfreq(window, 1 / sample_rate)[:, None] * after
        # The constant part is no sound.
        heard = np.arange(len(angle))[:, None] > 0
        share = heard / (len(angle) - 1)
        cosines, sines = (np.asarray(wave(angle) * share, dtype=np.float32) for wave in (np.cos, np.sin))
        return cls(cosines, sines, lags)

    def __call__(self, bins: NDArray[np.float32]) -> NDArray[np.float32]:
        """Correlations (F, lags), at most 1, the value of a single dry source at its lag, from `bin_powers`."""
        mid, side, left, right, quadrature = bins
        # The cross-spectrum of left and right is |M|^2 - |S|^2 + 2i Im(M* S).
        weight = np.reciprocal(np.sqrt(left * right) + _SILENT_BIN)
        even, odd = ((mid - side) * weight) @ self.cosines, (quadrature * (2 * weight)) @ self.sines
        before = (even - odd)[:, ::-1]
        return np.concatenate([before[:, : self.lags // 2], even + odd], axis=1)


POWER_FLOOR: Final = 1e-10
"""Band power (1 for a full-scale sine) below which a band is silent: about the noise of 16-bit samples."""


@dataclass(frozen=True, slots=True, eq=False)
class BandPowers:
    """Second-order statistics of a stereo signal: F frames, in mel bands.

    Attributes:
        mid, side, left, right: (F, mels) float32, powers.
        quadrature: (F, mels) float32, imaginary part of the cross-spectrum M* S; 0 for a plane wave.
    """

    mid: NDArray[np.float32]
    side: NDArray[np.float32]
    left: NDArray[np.float32]
    right: NDArray[np.float32]
    quadrature: NDArray[np.float32]

    def intensity(self) -> NDArray[np.float32]:
        """Mid-side intensity Re(M* S) / |M|^2 in [-1, 1]: the lateral component s of the FOA active intensity."""
        # Left and right powers are computed from their own spectra, to avoid rounding errors for hard-panned sound.
        cross = (self.left - self.right) / 4
        return np.asarray(np.clip(cross / (self.mid + POWER_FLOOR), -1.0, 1.0), dtype=np.float32)

    def coherence(self, frames: int) -> NDArray[np.float32]:
        """Magnitude-squared coherence |L* R|^2 / (|L|^2 |R|^2) in [0, 1], averaged over `frames` (odd).

        1 for a single dry source in any direction, about 1/4 in a diffuse field; it separates direct and reverberant
        sound.

        Returns:
            (F - frames + 1, mels), for the frames that have all neighbours.
        """
        real, imaginary = _moving_sum(self.mid - self.side, frames), 2 * _moving_sum(self.quadrature, frames)
        powers = _moving_sum(self.left, frames) * _moving_sum(self.right, frames)
        coherent = (real**2 + imaginary**2) / (powers + POWER_FLOOR**2)
        return np.asarray(np.clip(coherent, 0.0, 1.0), dtype=np.float32)


def band_powers(mid: NDArray[np.complex64], side: NDArray[np.complex64], mel: NDArray[np.float32]) -> BandPowers:
    """Sum the spectra (F, window // 2 + 1) of mid and side into the bands of `mel` (window // 2 + 1, mels)."""
    return in_bands(bin_powers(mid, side), mel)


def bin_powers(mid: NDArray[np.complex64], side: NDArray[np.complex64]) -> NDArray[np.float32]:
    """The values of `BandPowers` at each frequency: (5, F, window // 2 + 1) from spectra (F, window // 2 + 1)."""
    spectra = (power(mid), power(side), power(mid + side), power(mid - side))
    return np.stack([*spectra, mid.real * side.imag - mid.imag * side.real])


def in_bands(bins: NDArray[np.float32], mel: NDArray[np.float32]) -> BandPowers:
    """Sum what `bin_powers` returned into the bands of `mel` (window // 2 + 1, mels)."""
    kinds, frames, width = bins.shape
    return BandPowers(*(bins.reshape(kinds * frames, width) @ mel).reshape(kinds, frames, -1))


def power(spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Squared magnitude."""
    return np.square(spectrum.real) + np.square(spectrum.imag)


def log_power(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decimal logarithm of a power, at least log10(1e-10) = -10; normalisation is part of the model."""
    return np.log10(np.maximum(band, np.float32(POWER_FLOOR)))


def _moving_sum(values: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Sum over `frames` neighbours: (F, mels) -> (F - frames + 1, mels)."""
    count = len(values) - frames + 1
    # Not as differences of a cumulative sum, which would spread rounding errors of loud frames to silent ones.
    total = values[:count].copy()
    for offset in range(1, frames):
        total += values[offset : offset + count]
    return total
