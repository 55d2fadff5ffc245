"""Short-term power of the autocorrelation (stpACC): echoes within 21 ms, a cue to the distance.

Source: Berghi & Jackson (arXiv 2507.04845); steps as in the authors' code, whose numbers the tests hold.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

SMOOTHING_TAPS: Final = 8
_HALF_TAPS: Final = np.hanning(SMOOTHING_TAPS)[1 : SMOOTHING_TAPS // 2].astype(np.float32)
_TINY: Final = np.finfo(np.float32).tiny


def stpacc(power: NDArray[np.float32], lags: int = 512, bins: int = 64) -> NDArray[np.float32]:
    """Autocorrelation features from power spectra.

    |X|^2 -> inverse FFT -> first `lags`; negative values clipped; over its maximum; squared; smoothed over lags by an
    8-point Hann window; over its maximum; resampled (Fourier) to `bins`.

    Args:
        power: (F, window // 2 + 1) squared magnitudes of an STFT, at any scale.

    Returns:
        (F, bins) float32; about 0.35 at lag 0, ringing a little below 0; zeros where the sound is silent.
    """
    lagged = np.maximum(scipy.fft.irfft(power, axis=-1)[:, :lags], 0.0)
    np.square(lagged / np.maximum(lagged.max(axis=-1, keepdims=True), _TINY), out=lagged)
    smooth = _smooth(lagged)
    smooth /= np.maximum(smooth.max(axis=-1, keepdims=True), _TINY)
    return smooth @ _resampler(lags, bins)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convolve rows with the Hann window, whose end points are 0; like NumPy's mode 'same' (taps at -3..+2)."""
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
    """Fourier resampling as a matrix (lags, bins): linear, so that one product does all frames."""
    matrix = np.asarray(scipy.signal.resample(np.eye(lags), bins, axis=1), dtype=np.float32)
    matrix.flags.writeable = False
    return matrix
