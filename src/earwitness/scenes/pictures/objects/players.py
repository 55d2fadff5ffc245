"""Objects that play music: loudspeaker, radio, television."""

from __future__ import annotations

from typing import Final

from earwitness.scenes.pictures.objects.drawn_object import (
    CREAM,
    INK,
    OAK,
    PINE,
    SILENT,
    WALNUT,
    DrawnObject,
    Palette,
)
from earwitness.scenes.pictures.painter import blend, shade
from earwitness.scenes.pictures.sprite_canvas import SpriteCanvas


def _speaker(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    push = 0.0 if phase == SILENT else (0.012, -0.004, 0.008, -0.006)[phase % 4]
    canvas.box(-0.15, 0.0, 0.15, 0.5, palette.main, radius=0.012, bevel=0.016)
    canvas.box(-0.132, 0.02, 0.132, 0.48, shade(palette.main, 0.8), radius=0.01, bevel=0)
    for z, radius in ((0.17, 0.11), (0.38, 0.065)):
        canvas.ellipse(0, z, radius, radius, (70, 70, 74), bevel=0.014)
        canvas.ellipse(0, z, radius * 0.86 + push, radius * 0.86 + push, palette.second, bevel=0.03)
        canvas.ellipse(0, z, radius * 0.36 + push, radius * 0.36 + push, (34, 34, 38), bevel=0.02)
    if phase != SILENT:
        canvas.ellipse(0.11, 0.465, 0.007, 0.007, (90, 190, 255), bevel=0, cast=0)


def _radio(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.line([(0.13, 0.2), (0.2, 0.42)], 0.007, palette.metal)
    canvas.limb(
        [(-0.12, 0.2), (-0.1, 0.255), (0.1, 0.255), (0.12, 0.2)], [0.01] * 4, shade(palette.main, 0.75), bevel=0.005
    )
    canvas.box(-0.19, 0.0, 0.19, 0.21, palette.main, radius=0.025, bevel=0.022)
    canvas.ellipse(-0.095, 0.1, 0.075, 0.075, shade(palette.main, 0.6), bevel=0.01)
    pulse = 0.0 if phase == SILENT else 0.005 * (phase % 3)
    for radius in (0.06, 0.042, 0.024):
        canvas.ellipse(
            -0.095,
            0.1,
            radius + pulse,
            radius + pulse,
            palette.second if radius != 0.042 else shade(palette.second, 0.75),
            bevel=0.004,
            cast=0,
        )
    canvas.box(
        0.0, 0.12, 0.165, 0.18, (246, 226, 170) if phase != SILENT else (150, 146, 134), radius=0.006, bevel=0.004
    )
    needle = 0.05 if phase == SILENT else 0.1
    canvas.box(needle, 0.122, needle + 0.006, 0.178, (200, 50, 40), bevel=0, cast=0)
    for x in (0.03, 0.085, 0.14):
        canvas.ellipse(x, 0.06, 0.02, 0.02, palette.metal, bevel=0.008)


def _television(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.box(-0.16, 0.0, 0.16, 0.02, INK, radius=0.008, bevel=0.006)
    canvas.box(-0.03, 0.01, 0.03, 0.08, INK, bevel=0.01)
    canvas.box(-0.46, 0.06, 0.46, 0.6, INK, radius=0.012, bevel=0.01)
    if phase == SILENT:
        canvas.box(-0.445, 0.078, 0.445, 0.585, (30, 32, 38), bevel=0, cast=0)
        canvas.polygon([(-0.35, 0.585), (-0.2, 0.585), (-0.36, 0.078), (-0.445, 0.25)], (44, 47, 54), bevel=0, cast=0)
        return
    glow = (palette.main, palette.second, shade(palette.main, 0.8), blend(palette.main, palette.second, 0.5))[phase % 4]
    canvas.box(-0.445, 0.078, 0.445, 0.585, shade(glow, 0.5), bevel=0, cast=0)
    for number, x in enumerate((-0.35, -0.12, 0.12, 0.35)):
        tone = shade(glow, 1.5)
        canvas.polygon(
            [(x, 0.585), (x - 0.1 + 0.05 * (phase % 3), 0.078), (x + 0.02 + 0.05 * (phase % 3), 0.078)],
            tone,
            bevel=0,
            cast=0,
            opacity=0.35,
        )
        high = 0.2 + 0.04 * ((number + phase) % 3)
        canvas.ellipse(x * 0.7, high, 0.03, 0.036, (24, 22, 28), bevel=0, cast=0)
        canvas.limb([(x * 0.7, high - 0.02), (x * 0.7, 0.09)], [0.034, 0.05], (24, 22, 28), bevel=0, cast=0)
    canvas.limb([(-0.02, 0.22), (0.14, 0.32)], [0.026, 0.008], (150, 96, 52), bevel=0.006)


PLAYERS: Final[tuple[DrawnObject, ...]] = (
    DrawnObject(
        "music",
        "loudspeaker",
        0.34,
        0.52,
        0.27,
        "table",
        9,
        4,
        _speaker,
        (
            Palette((48, 48, 52), (92, 92, 98)),
            Palette(WALNUT, (60, 58, 60)),
            Palette(PINE, (70, 68, 66)),
        ),
    ),
    DrawnObject(
        "music",
        "radio",
        0.44,
        0.44,
        0.11,
        "table",
        8,
        3,
        _radio,
        (Palette((58, 124, 128), CREAM), Palette(OAK, (226, 208, 172)), Palette((202, 78, 62), CREAM)),
    ),
    DrawnObject(
        "music",
        "television",
        0.96,
        0.62,
        0.33,
        "table",
        4,
        12,
        _television,
        (Palette((196, 60, 130), (60, 90, 200)), Palette((60, 150, 190), (220, 120, 60))),
    ),
)
