"""Words for directions, distances and the screen, the same in captions, labels and on the terminal."""

from __future__ import annotations

import math
from typing import Final, Literal

from earwitness.core.vocabulary import CLASSES

AHEAD_DEG: Final = 15.0
MOVING_DEG: Final = 15.0
"""Less than this is not called moving."""
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


def caption_text(
    class_index: int,
    azimuth: float,
    onscreen: bool,
    *,
    has_video: bool,
    style: Literal["terse", "full"] = "terse",
    distance: float = math.nan,
    moved: float = 0.0,
) -> str:
    """Return a caption: "[knocking, off screen, left]"; in full "[knocking, off screen, far left, 3 m away]".

    Args:
        azimuth: degrees, positive to the left; NaN without direction.
        has_video: without a picture nothing is said about the screen.
        style: `terse` leaves out what one sees anyway: on screen, ahead.
        distance: metres, said in the full style; NaN where unknown.
        moved: degrees that the source moves while the caption is shown, said in the full style.
    """
    words = [CLASSES[class_index].caption]
    direction = direction_in_words(azimuth)
    if has_video and (style == "full" or not onscreen):
        words.append(screen(onscreen))
    if style == "full":
        words.append(direction)
        if abs(moved) >= MOVING_DEG:
            words.append(f"moving {'left' if moved > 0 else 'right'}")
        words.append("" if math.isnan(distance) else _rough(distance))
    else:
        words.append("" if direction == "ahead" else direction.removeprefix("far "))
    return f"[{', '.join(word for word in words if word)}]"


def _rough(distance: float) -> str:
    """Nobody hears decimetres."""
    return "close" if distance < 1 else f"{distance:.0f} m away"
