"""The catalogue of all drawn objects."""

from __future__ import annotations

from typing import Final

from earwitness.scenes.pictures.objects.appliances import APPLIANCES
from earwitness.scenes.pictures.objects.bells import BELLS
from earwitness.scenes.pictures.objects.doors import DOORS
from earwitness.scenes.pictures.objects.drawn_object import INK, SILENT, DrawnObject, Palette
from earwitness.scenes.pictures.objects.instruments import INSTRUMENTS
from earwitness.scenes.pictures.objects.phones import TELEPHONES
from earwitness.scenes.pictures.objects.players import PLAYERS
from earwitness.scenes.pictures.objects.taps import TAPS
from earwitness.scenes.pictures.painter import shade
from earwitness.scenes.pictures.sprite_canvas import SpriteCanvas

OBJECTS: Final[tuple[DrawnObject, ...]] = (
    *TELEPHONES,
    *APPLIANCES,
    *PLAYERS,
    *INSTRUMENTS,
    *TAPS,
    *BELLS,
    *DOORS,
)


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
