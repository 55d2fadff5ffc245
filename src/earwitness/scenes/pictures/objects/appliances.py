"""Household appliances."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import INK, SILENT, WHITE, DrawnObject, Palette
from earwitness.scenes.pictures.painter import shade
from earwitness.scenes.pictures.sprite_canvas import SpriteCanvas


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
