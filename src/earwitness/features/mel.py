"""Log-mel spectrograms: mel bands at any rate, and the log-mels that YAMNet uses as input.

Source of the latter: YAMNet's own `features.py` and `params.py` (tensorflow/models, research/audioset): magnitudes of
25-ms Hann windows every 10 ms, 64 bands that are triangles on the HTK mel scale, log(x + 0.001).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import UsageError

_HZ_PER_MEL: Final = 200.0 / 3.0
_BREAK_HZ: Final = 1000.0
_MELS_PER_LOG: Final = 27.0 / np.log(6.4)

MELS: Final = 64
FRAMES_PER_SECOND: Final = 100
LOWEST: Final = float(np.log(0.001))
"""Value of silence."""
_BAND_HZ: Final = (125.0, 7500.0)
_HZ_PER_BIN: Final = 31.25
_BINS: Final = 257
"""Frequencies up to 8 kHz, half of YAMNet's sample rate."""
_WINDOW_SECONDS: Final = 0.025
_LOG_OFFSET: Final = 0.001
_OWN_RATE: Final = 16_000


def hz_to_mel(hz: ArrayLike) -> NDArray[np.float64]:
    """Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above."""
    hz = np.asarray(hz, dtype=np.float64)
    above = _BREAK_HZ / _HZ_PER_MEL + _MELS_PER_LOG * np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ)
    return np.where(hz < _BREAK_HZ, hz / _HZ_PER_MEL, above)


def mel_to_hz(mel: ArrayLike) -> NDArray[np.float64]:
    """Invert `hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    over = np.maximum(mel - _BREAK_HZ / _HZ_PER_MEL, 0.0)
    return np.where(over > 0, _BREAK_HZ * np.exp(over / _MELS_PER_LOG), mel * _HZ_PER_MEL)


@lru_cache(maxsize=8)
def mel_matrix(
    sample_rate: int, window: int, mels: int, fmin: float, fmax: float, *, equal_area: bool = False
) -> NDArray[np.float32]:
    """Triangular filters that sum a power spectrum into bands, with a peak of 1 and edges evenly spaced in mel.

    Args:
        sample_rate: Hz.
        window: length of the Fourier transform in samples.
        mels: number of bands.
        fmin, fmax: lower edge of the lowest band and upper edge of the highest band, in Hz.
        equal_area: scale each band to an area of 1 Hz instead, as in Slaney's Auditory Toolbox.

    Returns:
        (window // 2 + 1, mels), read-only.

    Raises:
        UsageError: a band is so narrow that it contains no frequency of the spectrum.
    """
    edges = mel_to_hz(np.linspace(hz_to_mel(fmin), hz_to_mel(fmax), mels + 2))
    frequency = np.fft.rfftfreq(window, 1 / sample_rate)[:, None]
    rising = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    matrix = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    if not matrix.any(axis=0).all():
        band = int(np.flatnonzero(~matrix.any(axis=0))[0])
        raise UsageError(f"mel band {band} of {mels} is empty: use fewer mels, a longer window or a higher fmin")
    if equal_area:
        matrix *= (2.0 / (edges[2:] - edges[:-2])).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def window_samples(rate: int) -> int:
    """Number of samples of a window at `rate` Hz."""
    return round(_WINDOW_SECONDS * rate)


def suits(rate: int) -> bool:
    """Whether windows and hops are whole numbers of samples at `rate` Hz, and 8 kHz is at most half of it."""
    return rate >= _OWN_RATE and rate % 1000 == 0


def log_mel(frames: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Log-mels (frames, 64) of windows (frames, window_samples(rate)) of sound at `rate` Hz.

    The length of the transform is proportional to the rate, so that the frequencies of its bins do not depend on it.
    """
    window = frames.shape[1]
    periodic_hann = np.hanning(window + 1)[:-1] * (_OWN_RATE / rate)
    spectrum = scipy.fft.rfft(frames * periodic_hann.astype(np.float32), round(rate / _HZ_PER_BIN))
    magnitude = np.abs(spectrum[:, :_BINS]).astype(np.float32, copy=False)
    return np.asarray(np.log(magnitude @ _mel_weights() + np.float32(_LOG_OFFSET)))


@cache
def _mel_weights() -> NDArray[np.float32]:
    """Filters (257, 64) that are triangular on the HTK mel scale, with a peak of 1; the DC bin is ignored."""
    spectrum_mel = _htk_mel(np.arange(_BINS) * _HZ_PER_BIN)[:, None]
    low, high = _htk_mel(np.array(_BAND_HZ))
    edges = np.linspace(float(low), float(high), MELS + 2)
    rising = (spectrum_mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - spectrum_mel) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return np.asarray(weights, dtype=np.float32)


def _htk_mel(hz: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(hz / 700.0))
