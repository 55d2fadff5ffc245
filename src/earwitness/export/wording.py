"""Wording of directions, distances and the screen, shared by captions, labels and the terminal."""

from __future__ import annotations

import math
from typing import Final, Literal

from earwitness.core.vocabulary import SoundClass

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


def caption_text(
    sound_class: SoundClass,
    azimuth: float,
    onscreen: bool,
    *,
    has_video: bool,
    style: Literal["terse", "full"] = "terse",
    distance: float = math.nan,
    moved: float = 0.0,
) -> str:
    """Return a caption: "[knocking, off screen, left]"; full: "[knocking, off screen, far left, 3 m away]".

    Args:
        sound_class: class of the sound.
        azimuth: degrees, positive to the left; NaN without direction.
        has_video: if False, the caption does not mention the screen.
        style: `terse` omits "on screen" and "ahead", which viewers see.
        distance: metres, for the full style; NaN if unknown.
        moved: change of azimuth during the caption, degrees, for the full style.
    """
    words = [sound_class.caption]
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
    """A distance in whole metres, since listeners cannot judge it more precisely."""
    return "close" if distance < 1 else f"{distance:.0f} m away"
