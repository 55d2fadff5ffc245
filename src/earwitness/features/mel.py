"""Mel bands."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import UsageError

_HZ_PER_MEL: Final = 200.0 / 3.0
_BREAK_HZ: Final = 1000.0
_MELS_PER_LOG: Final = 27.0 / np.log(6.4)


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
