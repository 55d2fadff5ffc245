"""Bells and telephones."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import BRASS, CREAM, INK, SILENT, WALNUT, DrawnObject, Palette
from earwitness.scenes.pictures.painter import SpriteCanvas, shade


def _hanging_bell(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.box(-0.2, 0.0, 0.2, 0.03, palette.main, radius=0.006, bevel=0.01)
    canvas.limb(
        [(-0.17, 0.03), (-0.17, 0.42), (0.0, 0.5), (0.17, 0.42), (0.17, 0.03)],
        [0.02, 0.018, 0.02, 0.018, 0.02],
        palette.main,
        bevel=0.01,
    )
    swing = 0.0 if phase == SILENT else 0.5 * np.sin(phase * np.pi / 3)
    cos, sin = float(np.cos(swing)), float(np.sin(swing))

    def turned(x: float, z: float) -> tuple[float, float]:
        return x * cos - (z - 0.48) * sin, 0.48 + x * sin + (z - 0.48) * cos

    clapper = turned(0.03 * float(np.sign(sin)), 0.16)
    canvas.line([turned(0, 0.42), clapper], 0.012, shade(BRASS, 0.5))
    canvas.ellipse(*clapper, 0.022, 0.022, shade(BRASS, 0.55), bevel=0.01)
    profile = ((0.0, 0.46), (0.045, 0.44), (0.062, 0.36), (0.08, 0.27), (0.13, 0.2), (0.128, 0.185))
    outline = [turned(x, z) for x, z in profile] + [turned(-x, z) for x, z in reversed(profile)]
    canvas.polygon(outline, BRASS, soft=0.006, bevel=0.035)
    canvas.line([turned(-0.11, 0.225), turned(0.11, 0.225)], 0.01, shade(BRASS, 0.75))


def _hand_bell(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    lean = 0.0 if phase == SILENT else 0.45 * np.sin(phase * np.pi / 2 + 0.5)
    cos, sin = float(np.cos(lean)), float(np.sin(lean))

    def turned(x: float, z: float) -> tuple[float, float]:
        return x * cos + (z - 0.16) * sin, 0.16 - x * sin + (z - 0.16) * cos

    canvas.ellipse(*turned(0.03 * sin, 0.015), 0.02, 0.02, shade(BRASS, 0.5), bevel=0.008)
    profile = ((0.02, 0.2), (0.048, 0.185), (0.062, 0.11), (0.1, 0.035), (0.1, 0.02))
    canvas.polygon(
        [turned(x, z) for x, z in profile] + [turned(-x, z) for x, z in reversed(profile)],
        BRASS,
        soft=0.004,
        bevel=0.03,
    )
    canvas.line([turned(-0.086, 0.045), turned(0.086, 0.045)], 0.008, shade(BRASS, 0.75))
    canvas.limb([turned(0, 0.2), turned(0, 0.27), turned(0, 0.36)], [0.014, 0.022, 0.018], palette.main, bevel=0.012)


def _desk_bell(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    press = 0.0 if phase == SILENT else (0.014, 0.006, 0.0, 0.008)[phase % 4]
    canvas.ellipse(0, 0.018, 0.125, 0.02, palette.main, bevel=0.01)
    canvas.box(-0.012, 0.12, 0.012, 0.165 - press, shade(palette.metal, 0.8), bevel=0.006)
    dome = [(0.105 * np.cos(a), 0.035 + 0.1 * np.sin(a)) for a in np.linspace(0, np.pi, 24)]
    canvas.polygon(dome, palette.metal, soft=0.004, bevel=0.035)
    canvas.ellipse(-0.04, 0.1, 0.016, 0.01, (255, 255, 255), bevel=0, cast=0, opacity=0.7)
    canvas.ellipse(0, 0.17 - press, 0.026, 0.014, INK, bevel=0.008)


BELLS: Final[tuple[DrawnObject, ...]] = (
    DrawnObject(
        "bell",
        "hanging bell",
        0.62,
        0.54,
        0.25,
        "table",
        9,
        6,
        _hanging_bell,
        (Palette(WALNUT, INK), Palette(INK, INK)),
    ),
    DrawnObject(
        "bell",
        "hand bell",
        0.42,
        0.4,
        0.1,
        "table",
        8,
        4,
        _hand_bell,
        (Palette(WALNUT, INK), Palette(INK, INK)),
    ),
    DrawnObject(
        "bell",
        "desk bell",
        0.27,
        0.2,
        0.08,
        "table",
        7,
        4,
        _desk_bell,
        (Palette(INK, INK, (206, 208, 212)), Palette(WALNUT, INK, BRASS)),
    ),
)


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
