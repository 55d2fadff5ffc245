"""Words for directions, distances and the screen, the same in captions, labels and on the terminal."""

from __future__ import annotations

import math
from typing import Final

AHEAD_DEG: Final = 15.0
FAR_DEG: Final = 50.0
"""The half-width of the DCASE2025 camera: a source further out is beside the picture."""


def direction_in_degrees(azimuth: float) -> str:
    """Return "23° left", "ahead", or "unknown" for an azimuth in degrees (positive left, NaN without direction)."""
    if math.isnan(azimuth):
        return "unknown"
    degrees = round(abs(azimuth))
    return f"{degrees}° {'left' if azimuth > 0 else 'right'}" if degrees else "ahead"


def direction_in_words(azimuth: float) -> str:
    """Return "far left", "left", "ahead", ...; nothing without direction."""
    if math.isnan(azimuth):
        return ""
    if abs(azimuth) <= AHEAD_DEG:
        return "ahead"
    side = "left" if azimuth > 0 else "right"
    return f"far {side}" if abs(azimuth) > FAR_DEG else side


def metres(distance: float) -> str:
    """Return "1.8 m", or "unknown"."""
    return "unknown" if math.isnan(distance) else f"{distance:.1f} m"


def screen(onscreen: bool) -> str:
    """Return "on screen" or "off screen"."""
    return "on screen" if onscreen else "off screen"
