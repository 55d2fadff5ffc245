"""Water taps."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import BRASS, OAK, SILENT, WHITE, DrawnObject, Palette
from earwitness.scenes.pictures.painter import Colour, shade
from earwitness.scenes.pictures.sprite_canvas import SpriteCanvas


def _kitchen_sink(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.box(-0.4, 0.0, 0.4, 0.84, palette.main, radius=0.008, bevel=0.016)
    for left in (-0.385, 0.01):
        canvas.box(left, 0.06, left + 0.375, 0.8, shade(palette.main, 1.05), radius=0.006, bevel=0.008)
        canvas.box(left + 0.15, 0.72, left + 0.23, 0.735, palette.metal, bevel=0.004)
    canvas.box(-0.43, 0.84, 0.43, 0.885, palette.second, radius=0.006, bevel=0.012)
    canvas.ellipse(0, 0.885, 0.24, 0.03, (150, 154, 160), bevel=0.01, cast=0)
    canvas.ellipse(0, 0.88, 0.21, 0.02, (96, 100, 106), bevel=0.01, cast=0)
    _faucet(canvas, palette.metal, 0.885, 0.28, phase)


def _basin(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.polygon(
        [(-0.08, 0.0), (0.08, 0.0), (0.055, 0.62), (-0.055, 0.62)], shade(palette.second, 0.93), soft=0.02, bevel=0.03
    )
    canvas.polygon([(-0.24, 0.82), (0.24, 0.82), (0.13, 0.64), (-0.13, 0.64)], palette.second, soft=0.035, bevel=0.05)
    canvas.ellipse(0, 0.84, 0.285, 0.04, palette.second, bevel=0.014)
    canvas.ellipse(0, 0.838, 0.225, 0.024, (176, 182, 188), bevel=0.012, cast=0)
    _faucet(canvas, palette.metal, 0.845, 0.2, phase)


def _wall_tap(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.box(-0.22, 0.0, 0.24, 1.0, palette.main, radius=0.01, bevel=0.012)
    for z in np.arange(0.1, 1.0, 0.15):
        canvas.box(-0.22, float(z), 0.24, float(z) + 0.006, shade(palette.main, 0.84), bevel=0, cast=0)
    if phase != SILENT:
        wobble = (0.0, 0.004, -0.003, 0.002)[phase % 4]
        canvas.limb(
            [(0.0, 0.74), (wobble, 0.5), (wobble * 2, 0.24)],
            [0.012, 0.012, 0.018],
            (206, 228, 242),
            bevel=0.006,
            cast=0.05,
            opacity=0.85,
        )
    canvas.polygon([(-0.13, 0.02), (0.13, 0.02), (0.165, 0.27), (-0.165, 0.27)], palette.second, soft=0.012, bevel=0.03)
    canvas.ellipse(0, 0.28, 0.172, 0.03, shade(palette.second, 0.6), bevel=0.008)
    canvas.ellipse(0, 0.276, 0.14, 0.02, (150, 180, 200), bevel=0, cast=0)
    canvas.limb(
        [(0.14, 0.84), (0.04, 0.84), (0.0, 0.82), (0.0, 0.75)], [0.028, 0.024, 0.024, 0.022], BRASS, bevel=0.012
    )
    canvas.limb([(0.075, 0.86), (0.075, 0.91)], [0.012, 0.012], BRASS, bevel=0.006)
    canvas.limb([(0.02, 0.915), (0.13, 0.915)], [0.014, 0.014], palette.metal, bevel=0.006)


def _faucet(canvas: SpriteCanvas, metal: Colour, base: float, tall: float, phase: int) -> None:
    """A tap with its spout above x = 0, seen slightly from the side."""
    canvas.ellipse(0.1, base + 0.01, 0.04, 0.014, metal, bevel=0.008)
    if phase != SILENT:
        wobble = (0.0, 0.003, -0.002, 0.002)[phase % 4]
        water = (206, 228, 242)
        canvas.limb(
            [(0.0, base + tall * 0.66), (wobble, base + tall * 0.3), (wobble, base)],
            [0.013, 0.011, 0.016],
            water,
            bevel=0.006,
            cast=0,
            opacity=0.85,
        )
        for drop in range(5):
            side = np.sin(2.3 * drop + 1.9 * phase)
            canvas.ellipse(
                0.07 * side,
                base + 0.012 + 0.02 * abs(np.cos(drop + phase)),
                0.009,
                0.007,
                water,
                bevel=0,
                cast=0,
                opacity=0.8,
            )
    canvas.limb(
        [
            (0.1, base + 0.01),
            (0.1, base + tall * 0.75),
            (0.075, base + tall * 0.95),
            (0.03, base + tall * 0.95),
            (0.0, base + tall * 0.8),
            (0.0, base + tall * 0.68),
        ],
        [0.022, 0.02, 0.02, 0.02, 0.019, 0.018],
        metal,
        bevel=0.012,
    )
    turn = 0.05 if phase != SILENT else 0.0
    canvas.limb([(0.1, base + tall * 0.35), (0.17, base + tall * 0.4 + turn)], [0.012, 0.01], metal, bevel=0.006)


TAPS: Final[tuple[DrawnObject, ...]] = (
    DrawnObject(
        "water_tap",
        "kitchen sink",
        0.9,
        1.2,
        1.0,
        "floor",
        12,
        4,
        _kitchen_sink,
        (
            Palette(WHITE, (120, 112, 104)),
            Palette((98, 122, 116), (222, 218, 210)),
            Palette(OAK, (70, 70, 74)),
        ),
    ),
    DrawnObject(
        "water_tap",
        "wash basin",
        0.62,
        1.08,
        0.92,
        "floor",
        12,
        4,
        _basin,
        (Palette(WHITE, (246, 246, 243)), Palette(WHITE, (226, 216, 204))),
    ),
    DrawnObject(
        "water_tap",
        "wall tap",
        0.5,
        1.02,
        0.6,
        "floor",
        12,
        4,
        _wall_tap,
        (Palette((196, 202, 204), (58, 104, 150)), Palette((214, 198, 176), (150, 60, 54))),
    ),
)
