"""Colours of classes that state none: as different as possible from each other and from those already in use."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LUMINANCE: Final = (0.19, 0.405)
"""Range with a contrast of at least 2.3 on white and 4 on the dark background of panels."""
_WHITE: Final = (0.9505, 1.0, 1.089)
_TO_XYZ: Final = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def further_colours(used: Sequence[str], count: int) -> list[str]:
    """`count` colours "#RRGGBB": each has the largest distance (CIE Lab) to those used before it."""
    codes, lab = _candidates()
    nearest = np.full(len(codes), np.inf)
    for colour in used:
        nearest = np.minimum(nearest, np.linalg.norm(lab - _lab(_rgb(colour))[0], axis=1))
    chosen = []
    for _ in range(count):
        best = int(nearest.argmax())
        chosen.append(codes[best])
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[best], axis=1))
    return chosen


@cache
def _candidates() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    codes = []
    for hue in range(60):
        for saturation in (0.35, 0.6, 0.85, 1.0):
            for value in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
                red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue / 60, saturation, value))
                codes.append(f"#{red:02X}{green:02X}{blue:02X}")
    rgb = np.concatenate([_rgb(code) for code in codes])
    luminance = _linear(rgb) @ _TO_XYZ[1]
    inside = np.flatnonzero((luminance >= _LUMINANCE[0]) & (luminance <= _LUMINANCE[1]))
    return tuple(codes[index] for index in inside), _lab(rgb[inside])


def _rgb(code: str) -> NDArray[np.float64]:
    return np.array([[int(code[start : start + 2], 16) / 255 for start in (1, 3, 5)]])


def _linear(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE Lab of sRGB colours (n, 3) in [0, 1]."""
    xyz = np.cbrt(_linear(rgb) @ _TO_XYZ.T / _WHITE)
    return np.stack([116 * xyz[:, 1] - 16, 500 * (xyz[:, 0] - xyz[:, 1]), 200 * (xyz[:, 1] - xyz[:, 2])], axis=1)
