"""The log-mels that YAMNet uses as input, at the sample rate of the features.

Source: YAMNet's own `features.py` and `params.py` (tensorflow/models, research/audioset): magnitudes of 25-ms Hann
windows every 10 ms, 64 bands that are triangles on the HTK mel scale, log(x + 0.001).
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

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
