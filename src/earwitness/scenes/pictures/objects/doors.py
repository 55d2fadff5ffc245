"""Doors that open, and people who knock at doors."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import OAK, SILENT, WALNUT, WHITE, DrawnObject, Palette
from earwitness.scenes.pictures.painter import SpriteCanvas, shade
from earwitness.scenes.pictures.people.figure import Appearance, pose_of
from earwitness.scenes.pictures.people.people import add_person, elbow_breadth


def _door(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    _door_frame(canvas, palette)
    if phase == SILENT:
        _panels(canvas, palette, 1.0, 0.0)
        return
    canvas.box(-0.45, 0.0, 0.45, 2.03, (44, 46, 54), bevel=0, cast=0)
    canvas.polygon([(-0.45, 0.0), (0.45, 0.0), (0.3, 0.22), (-0.3, 0.22)], (92, 84, 76), bevel=0, cast=0)
    _panels(canvas, palette, (0.93, 0.8, 0.64, 0.8)[phase % 4], (0.01, 0.03, 0.05, 0.03)[phase % 4])


def _wardrobe(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.box(-0.5, 0.0, 0.5, 1.95, palette.main, bevel=0.016)
    canvas.box(-0.53, 1.92, 0.53, 2.0, shade(palette.main, 1.06), radius=0.01, bevel=0.012)
    canvas.box(-0.48, 0.08, 0.48, 1.9, (52, 44, 38), bevel=0, cast=0)
    for x, tone in ((-0.1, palette.second), (0.06, (120, 136, 160)), (0.2, (186, 160, 130)), (0.33, (96, 110, 98))):
        canvas.polygon(
            [(x - 0.06, 1.66), (x + 0.06, 1.66), (x + 0.085, 0.7), (x - 0.085, 0.7)], tone, soft=0.02, bevel=0.02
        )
    swing = 1.0 if phase == SILENT else (0.9, 0.7, 0.5, 0.7)[phase % 4]
    for sign in (-1, 1):
        edge = sign * (0.48 - 0.48 * (swing if sign > 0 else 1.0))
        skew = 0.05 * (1 - swing) if sign > 0 else 0.0
        canvas.polygon(
            [(sign * 0.48, 0.08), (edge, 0.08 - skew), (edge, 1.9 + skew), (sign * 0.48, 1.9)],
            shade(palette.main, 1.04),
            bevel=0.012,
        )
        inset = 0.06 * (swing if sign > 0 else 1)
        canvas.box(
            sign * 0.48 - sign * inset, 0.2, edge + sign * inset, 1.78, shade(palette.main, 0.95), bevel=0.01, cast=0.1
        )
        canvas.ellipse(edge + sign * 0.03, 1.0, 0.014, 0.03, palette.metal, bevel=0.006)


def _knocking(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    _door_frame(canvas, palette)
    _panels(canvas, palette, 1.0, 0.0)
    appearance = Appearance.draw(palette.main[0] % 2 == 0, np.random.default_rng(palette.main))
    pose = pose_of("stand", False, 0, elbow_breadth(appearance))
    if phase != SILENT:
        # The fist touches the door in every other phase.
        back = (0.0, 0.07, 0.01, 0.09)[phase % 4]
        pose = replace(
            pose,
            elbows=((-0.31 + back / 2, 1.2), pose.elbows[1]),
            hands=((-_VISITOR + back, 1.3), pose.hands[1]),
            hands_in_front=True,
            turn=-0.4,
        )
    canvas.shift = _VISITOR
    add_person(canvas, appearance, pose)
    canvas.shift = 0.0


def _door_frame(canvas: SpriteCanvas, palette: Palette) -> None:
    canvas.box(-0.54, 0.0, 0.54, 2.12, palette.second, bevel=0.012)
    canvas.box(-0.46, 0.0, 0.46, 2.04, shade(palette.second, 0.72), bevel=0)


def _panels(canvas: SpriteCanvas, palette: Palette, width: float, skew: float) -> None:
    """A door hinged on the left, `width` of its real width wide; its free side is `skew` metres taller."""
    right = -0.45 + 0.9 * width
    leaf = [(-0.45, 0.01), (right, 0.01 - skew), (right, 2.03 + skew), (-0.45, 2.03)]
    canvas.polygon(leaf, palette.main, bevel=0.012)
    for low, high in ((0.16, 0.92), (1.08, 1.88)):
        for left, rim in ((0.12, 0.46), (0.54, 0.88)):
            a, b = -0.45 + 0.9 * width * left, -0.45 + 0.9 * width * rim
            canvas.box(a, low, b, high, shade(palette.main, 0.9), bevel=0.012, cast=0.1)
            canvas.box(
                a + 0.03 * width, low + 0.03, b - 0.03 * width, high - 0.03, palette.main, bevel=0.008, cast=0.12
            )
    handle = right - 0.07 * width
    canvas.ellipse(handle, 1.02, 0.022, 0.032, palette.metal, bevel=0.008)
    canvas.limb([(handle, 1.03), (handle - 0.12 * width, 1.03)], [0.012, 0.01], palette.metal, bevel=0.006)


_VISITOR: Final = 0.52
"""Position of the knocking person, metres to the right of the centre of the door."""
_DOOR_PALETTES: Final = (
    Palette(WHITE, (228, 227, 222)),
    Palette(OAK, shade(OAK, 0.85)),
    Palette(WALNUT, WHITE),
    Palette((84, 108, 120), WHITE),
    Palette((134, 62, 56), (226, 220, 208)),
)

DOORS: Final[tuple[DrawnObject, ...]] = (
    DrawnObject("door", "door", 1.12, 2.14, 1.02, "floor", 3, 4, _door, _DOOR_PALETTES),
    DrawnObject(
        "door",
        "wardrobe",
        1.08,
        2.02,
        1.0,
        "floor",
        3,
        4,
        _wardrobe,
        (Palette(OAK, (170, 70, 66)), Palette(WHITE, (70, 104, 140)), Palette(WALNUT, (200, 170, 90))),
    ),
    DrawnObject("knock", "knocked door", 1.9, 2.14, 1.36, "floor", 8, 4, _knocking, _DOOR_PALETTES),
)
