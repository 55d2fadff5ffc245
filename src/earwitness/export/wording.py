"""Wording of directions, distances, times and the screen, shared by captions, labels and the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from earwitness.core.events import SoundEvent

AHEAD_DEG: Final = 15.0
MOVING_DEG: Final = 15.0
"""Smaller changes of direction are not described as motion."""
FAR_DEG: Final = 50.0
"""Half the field of view of the DCASE2025 camera: sources beyond it are outside the picture."""


def direction_in_degrees(azimuth: float) -> str:
    """Return "23° left", "ahead", or "unknown" for an azimuth in degrees (positive left, NaN without direction)."""
    if math.isnan(azimuth):
        return "unknown"
    degrees = round(abs(azimuth))
    return f"{degrees}° {'left' if azimuth > 0 else 'right'}" if degrees else "ahead"


def direction_in_words(azimuth: float) -> str:
    """Return "far left", "left", "ahead", ...; an empty string without direction."""
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


def place(event: SoundEvent, has_video: bool) -> str:
    """Describe the position of an event: "23° left, 1.8 m, on screen"."""
    words = [direction_in_degrees(event.azimuth), metres(event.distance)]
    return ", ".join([*words, screen(event.onscreen)] if has_video else words)


def clock_time(seconds: float, decimal_mark: str = ".") -> str:
    """Return hh:mm:ss.mmm with the given decimal mark."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}{decimal_mark}{milliseconds % 1000:03d}"
