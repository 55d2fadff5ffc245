"""Similarity of two reduced pictures, independent of brightness and of a shift of the camera."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_BLUR: Final = 11
"""Width in cells of the filter that removes slow changes of brightness over the picture."""
_LEAST_OVERLAP: Final = 0.35
"""Smallest overlap after a shift, as a share of the picture."""
_TINY: Final = 1e-9


def structure(small: FloatArray) -> FloatArray:
    """Remove slow changes of brightness from a reduced picture (rows, columns)."""
    from scipy.ndimage import uniform_filter

    return np.asarray(small - uniform_filter(small, _BLUR, mode="nearest"), dtype=np.float32)


def similarity(one: FloatArray, other: FloatArray) -> float:
    """Highest normalised correlation of two structures over all shifts with enough overlap, -1..1."""
    rows, columns = one.shape
    size = (scipy.fft.next_fast_len(2 * rows), scipy.fft.next_fast_len(2 * columns))

    def correlated(a: FloatArray, b: FloatArray) -> FloatArray:
        product = scipy.fft.rfft2(a, size) * np.conj(scipy.fft.rfft2(b, size))
        return np.asarray(scipy.fft.irfft2(product, size))

    ones = np.ones_like(one)
    overlap = correlated(ones, ones)
    energy = correlated(one**2, ones) * correlated(ones, other**2)
    ratio = correlated(one, other) / np.sqrt(np.maximum(energy, _TINY))
    # With a small overlap, noise correlates by chance.
    enough = (overlap >= _LEAST_OVERLAP * rows * columns) & (energy > _TINY * rows * columns)
    return float(np.where(enough, ratio, -1.0).max())


def similarity_in_place(one: FloatArray, other: FloatArray) -> float:
    """Normalised correlation of two structures without shift, -1..1."""
    norm = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / max(norm, _TINY)
