"""The description of drawn objects, their shared colours, a plain box, and the trolley under moving objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image

from earwitness.scenes.pictures.painter import Colour, SpriteCanvas, shade

WIDTH = 0.5


def draw_trolley(height: float, pixels_per_metre: float, wood: Colour = (176, 134, 90)) -> Image.Image:
    """Picture (RGBA) of a trolley WIDTH metres wide with its top `height` metres above the floor."""
    canvas = SpriteCanvas(WIDTH, max(height, 0.08), pixels_per_metre)
    metal = (120, 122, 128)
    for sign in (-1, 1):
        canvas.ellipse(sign * 0.19, 0.03, 0.03, 0.03, (48, 48, 52), bevel=0.008)
        if height > 0.15:
            canvas.limb([(sign * 0.19, 0.05), (sign * 0.19, height - 0.03)], [0.014, 0.014], metal, bevel=0.006)
    if height > 0.45:
        canvas.box(-0.21, 0.12, 0.21, 0.15, shade(wood, 0.9), radius=0.006, bevel=0.008)
    canvas.box(-0.24, height - 0.035, 0.24, height, wood, radius=0.008, bevel=0.01)
    return canvas.finish()


Stance = Literal["person", "floor", "table"]
DrawPhase = Callable[[SpriteCanvas, "Palette", int], None]

SILENT: Final = -1
"""The phase of a silent object."""

INK: Final[Colour] = (38, 38, 42)
CREAM: Final[Colour] = (236, 232, 222)
BRASS: Final[Colour] = (206, 164, 78)
WHITE: Final[Colour] = (240, 239, 234)
OAK: Final[Colour] = (190, 146, 96)
WALNUT: Final[Colour] = (116, 78, 52)
PINE: Final[Colour] = (214, 178, 128)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of an object.

    Attributes:
        main, second: colours of its body.
        metal: colour of its metal parts.
    """

    main: Colour
    second: Colour
    metal: Colour = (190, 192, 196)


@dataclass(frozen=True, slots=True)
class DrawnObject:
    """An object that can be drawn.

    Attributes:
        kind: slug of the class of its sound.
        name: name of the object.
        width, height: size of its picture in metres.
        sound: height of the sound source in metres.
        stance: whether it stands on the floor or on furniture.
        rate: phases per second while it is active.
        phases: number of phases while it is active.
        draw: draws it in a phase.
        palettes: colours that it is drawn in.
    """

    kind: str
    name: str
    width: float
    height: float
    sound: float
    stance: Stance
    rate: float
    phases: int
    draw: DrawPhase
    palettes: tuple[Palette, ...]


def plain_box(kind: str) -> DrawnObject:
    """A device without details, for classes without a drawn object: it shakes while it sounds, and a lamp lights up."""
    return DrawnObject(kind, kind.replace("_", " "), 0.42, 0.4, 0.2, "table", 12, 4, _draw_box, ())


def _draw_box(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    sounding = phase != SILENT
    shift = (0.0, 0.008, 0.0, -0.008)[phase % 4] if sounding else 0.0
    canvas.box(-0.16 + shift, 0.02, 0.16 + shift, 0.36, palette.main, radius=0.03, bevel=0.02)
    canvas.box(-0.12 + shift, 0.1, 0.12 + shift, 0.26, palette.second, radius=0.015, bevel=0.008)
    for row in range(4):
        y = 0.125 + 0.036 * row
        canvas.limb([(-0.1 + shift, y), (0.1 + shift, y)], [0.005, 0.005], shade(palette.second, 1.6), bevel=0.002)
    lamp = (255, 210, 80) if sounding and phase % 2 == 0 else INK
    canvas.ellipse(0.11 + shift, 0.31, 0.014, 0.014, lamp, bevel=0.004)
