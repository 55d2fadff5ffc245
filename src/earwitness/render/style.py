"""Style of rendered pictures: class colours, fonts, and sizes that scale with the picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isnan, sqrt
from pathlib import Path
from typing import Final

from PIL import ImageFont

Colour = tuple[int, int, int]

INK: Final[Colour] = (16, 20, 26)
PANEL: Final[Colour] = (20, 25, 32)
PLATE: Final[Colour] = (28, 34, 43)
RULE: Final[Colour] = (58, 67, 80)
TEXT: Final[Colour] = (238, 241, 245)
SOFT_TEXT: Final[Colour] = (166, 176, 190)

_REFERENCE_SIDE: Final = 480.0
_SMALLEST_UNIT: Final = 0.75


@dataclass(frozen=True, slots=True)
class Scale:
    """Converts units to pixels for a picture of a given size; a unit is one pixel at 640x360.

    Attributes:
        width, height: size of the picture, pixels.
    """

    width: int
    height: int

    @property
    def unit(self) -> float:
        """Pixels per unit; grows with the square root of the picture's area."""
        return max(_SMALLEST_UNIT, sqrt(self.width * self.height) / _REFERENCE_SIDE)

    def px(self, units: float) -> int:
        """Convert units to whole pixels, at least one."""
        return max(1, round(units * self.unit))

    @property
    def portrait(self) -> bool:
        """Whether the picture is too narrow for a horizontal layout."""
        return self.width < 1.2 * self.height


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and has all characters used here.

    Args:
        size: pixels.
        bold: whether to use the bold font.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")), size)


def direction_text(azimuth: float) -> str:
    """Format a direction (degrees, positive to the left): "23° left", "ahead"."""
    if isnan(azimuth):
        return "direction unknown"
    degrees = round(abs(azimuth))
    return "ahead" if degrees == 0 else f"{degrees}° {'left' if azimuth > 0 else 'right'}"


def place_text(azimuth: float, distance: float) -> str:
    """Format a direction and, if known, a distance (metres): "23° left · 1.8 m"."""
    direction = direction_text(azimuth)
    return direction if isnan(distance) else f"{direction} · {distance:.1f} m"


def clock_text(seconds: float) -> str:
    """Format a time: "0:07", "12:30", "1:02:03"."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
