"""How alike two small pictures are, whatever the light and wherever the camera has turned in between."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

FloatArray = NDArray[np.float32]

_BLUR: Final = 11
"""Cells; brightness that changes more slowly over the picture is light, not structure."""
_LEAST_OVERLAP: Final = 0.35
"""Of the picture, that must still be in view after a turn."""
_TINY: Final = 1e-9


def structure(small: FloatArray) -> FloatArray:
    """A small picture (rows, columns) without slow changes of brightness."""
    return np.asarray(small - uniform_filter(small, _BLUR, mode="nearest"), dtype=np.float32)


def likeness(one: FloatArray, other: FloatArray) -> float:
    """Highest normalised correlation of two structures over all shifts that leave enough in view, -1..1."""
    rows, columns = one.shape
    size = (scipy.fft.next_fast_len(2 * rows), scipy.fft.next_fast_len(2 * columns))

    def correlated(a: FloatArray, b: FloatArray) -> FloatArray:
        product = scipy.fft.rfft2(a, size) * np.conj(scipy.fft.rfft2(b, size))
        return np.asarray(scipy.fft.irfft2(product, size))

    seen = np.ones_like(one)
    overlap = correlated(seen, seen)
    energy = correlated(one**2, seen) * correlated(seen, other**2)
    ratio = correlated(one, other) / np.sqrt(np.maximum(energy, _TINY))
    # Where little overlaps, a little noise correlates by chance.
    enough = (overlap >= _LEAST_OVERLAP * rows * columns) & (energy > _TINY * rows * columns)
    return float(np.where(enough, ratio, -1.0).max())


def likeness_in_place(one: FloatArray, other: FloatArray) -> float:
    """Normalised correlation of two structures without any shift, -1..1."""
    norm = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / max(norm, _TINY)
