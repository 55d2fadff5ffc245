"""Household appliances and water taps."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import BRASS, INK, OAK, SILENT, WHITE, DrawnObject, Palette
from earwitness.scenes.pictures.painter import Colour, SpriteCanvas, shade


def _vacuum(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    shift = 0.0 if phase == SILENT else (0.0, 0.012, 0.02, 0.01)[phase % 4]
    canvas.limb(
        [(-0.26 + shift, 0.08), (-0.3 + shift, 0.5), (-0.24 + shift, 0.92)],
        [0.018, 0.018, 0.022],
        palette.metal,
        bevel=0.008,
    )
    canvas.limb(
        [(-0.24 + shift, 0.92), (-0.05, 0.98), (0.12, 0.7), (0.1, 0.36)], [0.024] * 4, (58, 58, 62), bevel=0.012
    )
    canvas.polygon(
        [(-0.4 + shift, 0.0), (-0.14 + shift, 0.0), (-0.19 + shift, 0.07), (-0.34 + shift, 0.07)],
        (54, 54, 58),
        soft=0.01,
        bevel=0.012,
    )
    canvas.ellipse(0.12, 0.2, 0.21, 0.175, palette.main, bevel=0.06)
    canvas.ellipse(0.1, 0.28, 0.1, 0.055, palette.second, bevel=0.02)
    canvas.ellipse(0.24, 0.09, 0.1, 0.1, (52, 52, 56), bevel=0.02)
    canvas.ellipse(0.24, 0.09, 0.045, 0.045, palette.second, bevel=0.01)
    if phase != SILENT:
        canvas.ellipse(0.02, 0.22, 0.014, 0.014, (250, 90, 60), bevel=0, cast=0)


def _washing_machine(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.box(-0.3, 0.0, 0.3, 0.85, palette.main, radius=0.02, bevel=0.03)
    canvas.box(-0.28, 0.72, 0.28, 0.83, shade(palette.main, 0.93), radius=0.008, bevel=0.006)
    canvas.box(-0.26, 0.745, -0.1, 0.805, shade(palette.main, 1.02), radius=0.006, bevel=0.005)
    canvas.ellipse(0.02, 0.775, 0.032, 0.032, palette.metal, bevel=0.01)
    canvas.box(0.09, 0.755, 0.24, 0.795, (34, 44, 52), bevel=0)
    if phase != SILENT:
        canvas.box(0.1, 0.765, 0.14 + 0.03 * (phase % 3), 0.785, (110, 220, 150), bevel=0, cast=0)
    canvas.ellipse(0, 0.38, 0.215, 0.215, palette.metal, bevel=0.02)
    canvas.ellipse(0, 0.38, 0.165, 0.165, (52, 62, 74), bevel=0.03)
    turn = 0.4 if phase == SILENT else phase * np.pi / 4
    for number, tone in enumerate(((196, 84, 76), (92, 132, 186), (228, 218, 198))):
        angle = turn + number * 2.1
        canvas.ellipse(0.085 * np.sin(angle), 0.36 + 0.075 * np.cos(angle), 0.062, 0.05, tone, bevel=0.02, opacity=0.9)
    canvas.limb([(-0.08, 0.5), (0.02, 0.52)], [0.01, 0.006], (190, 204, 216), bevel=0, cast=0, opacity=0.45)


def _kettle(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.limb([(0.08, 0.16), (0.16, 0.17), (0.165, 0.07), (0.09, 0.05)], [0.016] * 4, INK, bevel=0.008)
    canvas.polygon([(-0.105, 0.02), (0.105, 0.02), (0.07, 0.22), (-0.07, 0.22)], palette.main, soft=0.015, bevel=0.03)
    canvas.polygon(
        [(-0.07, 0.16), (-0.15, 0.205), (-0.14, 0.22), (-0.06, 0.215)], palette.main, soft=0.006, bevel=0.012
    )
    canvas.ellipse(0, 0.232, 0.066, 0.018, shade(palette.main, 0.85), bevel=0.01)
    canvas.ellipse(0, 0.256, 0.017, 0.014, INK, bevel=0.006)
    canvas.box(-0.1, 0.0, 0.1, 0.022, INK, radius=0.006, bevel=0.006)
    if phase == SILENT:
        return
    canvas.ellipse(0.0, 0.05, 0.012, 0.012, (255, 110, 50), bevel=0, cast=0)
    for number in range(6):
        rise = (number + (phase % 4) / 4) / 6
        canvas.ellipse(
            -0.155 - 0.05 * rise + 0.015 * np.sin(5 * rise + phase),
            0.23 + 0.2 * rise,
            0.014 + 0.03 * rise,
            0.014 + 0.03 * rise,
            (246, 248, 250),
            bevel=0,
            cast=0,
            opacity=0.55 * (1 - rise),
        )


def _fan(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.ellipse(0, 0.02, 0.17, 0.024, shade(palette.main, 0.8), bevel=0.012)
    canvas.limb([(0, 0.03), (0, 0.42)], [0.022, 0.018], shade(palette.main, 0.9), bevel=0.01)
    canvas.ellipse(0, 0.5, 0.23, 0.23, palette.metal, bevel=0, cast=0, opacity=0.25)
    turn = 0.2 if phase == SILENT else phase * 0.55
    for blade in range(3):
        angle = turn + blade * 2.094
        tip = (0.19 * np.sin(angle), 0.5 + 0.19 * np.cos(angle))
        side = (0.13 * np.sin(angle + 0.75), 0.5 + 0.13 * np.cos(angle + 0.75))
        canvas.polygon(
            [(0.0, 0.5), tip, side], palette.second, soft=0.028, bevel=0.015, opacity=1.0 if phase == SILENT else 0.75
        )
    for radius in (0.08, 0.15, 0.225):
        ring = [(radius * np.sin(a), 0.5 + radius * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 40)]
        canvas.line(ring, 0.006 if radius < 0.2 else 0.014, palette.metal)
    for spoke in np.linspace(0, np.pi, 12, endpoint=False):
        dx, dz = 0.225 * np.sin(spoke), 0.225 * np.cos(spoke)
        canvas.line([(-dx, 0.5 - dz), (dx, 0.5 + dz)], 0.004, palette.metal)
    canvas.ellipse(0, 0.5, 0.05, 0.05, palette.main, bevel=0.014)


APPLIANCES: Final[tuple[DrawnObject, ...]] = (
    DrawnObject(
        "domestic_sounds",
        "vacuum cleaner",
        0.9,
        1.05,
        0.2,
        "floor",
        8,
        4,
        _vacuum,
        (
            Palette((190, 52, 48), (60, 60, 66)),
            Palette((56, 96, 150), (228, 228, 226)),
            Palette((84, 128, 92), (52, 52, 56)),
        ),
    ),
    DrawnObject(
        "domestic_sounds",
        "washing machine",
        0.66,
        0.88,
        0.4,
        "floor",
        10,
        8,
        _washing_machine,
        (Palette(WHITE, INK), Palette((150, 154, 160), INK)),
    ),
    DrawnObject(
        "domestic_sounds",
        "kettle",
        0.5,
        0.5,
        0.15,
        "table",
        7,
        4,
        _kettle,
        (Palette((186, 190, 196), INK), Palette((196, 66, 58), INK), Palette((70, 116, 130), INK)),
    ),
    DrawnObject(
        "domestic_sounds",
        "fan",
        0.52,
        0.76,
        0.5,
        "table",
        22,
        12,
        _fan,
        (Palette((232, 231, 226), (122, 170, 196)), Palette((60, 62, 66), (226, 164, 92))),
    ),
)


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
