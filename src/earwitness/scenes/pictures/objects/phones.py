"""Telephones."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import CREAM, INK, SILENT, DrawnObject, Palette
from earwitness.scenes.pictures.painter import shade
from earwitness.scenes.pictures.sprite_canvas import SpriteCanvas


def _desk_phone(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    hop = 0.0 if phase == SILENT else (0.012, 0.0, 0.014, 0.004)[phase % 4]
    canvas.polygon([(-0.13, 0.0), (0.13, 0.0), (0.1, 0.13), (-0.1, 0.13)], palette.main, soft=0.012, bevel=0.02)
    canvas.box(-0.03, 0.085, 0.085, 0.12, (150, 178, 150) if phase == SILENT else (168, 244, 176), bevel=0.004)
    for row in range(3):
        for column in range(3):
            canvas.ellipse(-0.005 + column * 0.035, 0.068 - row * 0.024, 0.012, 0.008, CREAM, bevel=0.003, cast=0.1)
    if phase != SILENT and phase % 2:
        canvas.ellipse(0.095, 0.13, 0.008, 0.008, (255, 70, 50), bevel=0, cast=0)
    tilt = hop * 0.8
    canvas.limb(
        [(-0.12, 0.165 + hop), (0.12, 0.165 + hop + tilt)], [0.02, 0.02], shade(palette.main, 0.88), bevel=0.012
    )
    for sign in (-1, 1):
        canvas.ellipse(
            sign * 0.115, 0.15 + hop + tilt * (sign > 0), 0.036, 0.028, shade(palette.main, 0.88), bevel=0.012
        )


def _dial_phone(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    hop = 0.0 if phase == SILENT else (0.014, 0.002, 0.01, 0.016)[phase % 4]
    canvas.polygon(
        [(-0.13, 0.0), (0.13, 0.0), (0.115, 0.04), (0.065, 0.15), (-0.065, 0.15), (-0.115, 0.04)],
        palette.main,
        soft=0.012,
        bevel=0.025,
    )
    canvas.ellipse(0, 0.072, 0.056, 0.05, CREAM, bevel=0.006)
    canvas.ellipse(0, 0.072, 0.022, 0.02, palette.main, bevel=0.004, cast=0.1)
    for number in range(9):
        turn = 0.6 + number * 0.55
        canvas.ellipse(0.039 * np.sin(turn), 0.072 + 0.035 * np.cos(turn), 0.008, 0.007, INK, bevel=0, cast=0)
    canvas.limb(
        [(-0.13, 0.175 + hop), (-0.08, 0.205 + hop), (0.08, 0.205 + hop), (0.13, 0.175 + hop)],
        [0.028, 0.018, 0.018, 0.028],
        shade(palette.main, 0.92),
        bevel=0.014,
    )


def _mobile(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    shake = 0.0 if phase == SILENT else (-0.006, 0.006, -0.004, 0.005)[phase % 4]
    canvas.polygon([(-0.06, 0.0), (0.06, 0.0), (0.03, 0.05), (-0.03, 0.05)], (88, 90, 96), soft=0.004, bevel=0.01)
    canvas.box(shake - 0.052, 0.02, shake + 0.052, 0.235, INK, radius=0.014, bevel=0.006)
    lit = phase != SILENT
    canvas.box(
        shake - 0.046, 0.032, shake + 0.046, 0.224, (40, 110, 150) if lit else (26, 28, 34), radius=0.006, bevel=0
    )
    if lit:
        canvas.ellipse(shake, 0.165, 0.026, 0.026, (226, 232, 236), bevel=0, cast=0)
        canvas.ellipse(shake, 0.172, 0.01, 0.011, (90, 120, 140), bevel=0, cast=0)
        for sign, tone in ((-1, (224, 66, 58)), (1, (70, 196, 92))):
            canvas.ellipse(shake + sign * 0.024, 0.065, 0.014, 0.014, tone, bevel=0, cast=0)


TELEPHONES: Final[tuple[DrawnObject, ...]] = (
    DrawnObject(
        "telephone",
        "desk phone",
        0.34,
        0.22,
        0.1,
        "table",
        14,
        4,
        _desk_phone,
        (Palette(INK, CREAM), Palette((226, 222, 210), INK), Palette((96, 100, 108), CREAM)),
    ),
    DrawnObject(
        "telephone",
        "dial phone",
        0.36,
        0.26,
        0.12,
        "table",
        14,
        4,
        _dial_phone,
        (Palette((176, 44, 40), CREAM), Palette((46, 104, 92), CREAM), Palette(INK, CREAM)),
    ),
    DrawnObject("telephone", "mobile phone", 0.16, 0.25, 0.13, "table", 16, 4, _mobile, (Palette(INK, CREAM),)),
)
