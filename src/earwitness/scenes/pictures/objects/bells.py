"""Bells."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import BRASS, INK, SILENT, WALNUT, DrawnObject, Palette
from earwitness.scenes.pictures.painter import shade
from earwitness.scenes.pictures.sprite_canvas import SpriteCanvas


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
