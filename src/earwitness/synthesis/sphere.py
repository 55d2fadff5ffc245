"""Sound at the surface of a rigid sphere: the simplest head."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import eval_legendre

_ORDERS_BEYOND: Final = 12
"""Orders of the series beyond the largest ka; the rest is below 1e-4 for sources three radii away or more."""


def sphere_response(cosine: ArrayLike, distance: float, ka: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Pressure at a point of a rigid sphere, relative to that at its centre if the sphere were not there.

    Source: Duda and Martens, "Range dependence of the response of a spherical head model" (JASA 1998), equation 4,
    with the opposite sign of time (a delay is exp(-i w t)).

    Args:
        cosine: (n,) cosines of the angles between the source and the point, seen from the centre.
        distance: of the source from the centre, in radii; above 1.
        ka: (bins,) wave number times radius, not negative.

    Returns:
        (n, bins); 1 at ka = 0.
    """
    cosines = np.atleast_1d(np.asarray(cosine, dtype=np.float64))
    positive = ka > 0
    wave = ka[positive]
    count = int(wave.max(initial=0.0)) + _ORDERS_BEYOND
    orders = np.arange(count)[:, None]
    source, surface = _hankel(count, wave * distance), _hankel(count + 1, wave)
    slope = orders / wave * surface[:-1] - surface[1:]
    legendre = (2 * orders + 1) * eval_legendre(orders, cosines[None, :])
    series = legendre.T @ (source / slope)
    result = np.ones((cosines.size, ka.size), dtype=np.complex128)
    result[:, positive] = np.conj(-(distance / wave) * np.exp(-1j * wave * distance) * series)
    return result


def _hankel(count: int, argument: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Spherical Hankel functions of the first kind and orders 0 to `count` - 1 (2 or more): (count, n).

    Upward recurrence is stable for them, and much faster than Bessel functions order by order.
    """
    values = np.empty((count, argument.size), dtype=np.complex128)
    values[0] = -1j * np.exp(1j * argument) / argument
    values[1] = values[0] * (1 / argument - 1j)
    for order in range(1, count - 1):
        values[order + 1] = (2 * order + 1) / argument * values[order] - values[order - 1]
    return values
