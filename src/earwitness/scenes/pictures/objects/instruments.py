"""Sources of music: instruments, and loudspeaker, radio and television."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import (
    BRASS,
    CREAM,
    INK,
    OAK,
    PINE,
    SILENT,
    WALNUT,
    DrawnObject,
    Palette,
)
from earwitness.scenes.pictures.painter import SpriteCanvas, blend, shade


def _guitar(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    canvas.limb([(-0.2, 0.0), (0.0, 0.3), (0.2, 0.0)], [0.012, 0.014, 0.012], INK, bevel=0.006)
    canvas.box(-0.2, 0.13, 0.2, 0.15, INK, bevel=0.005)
    canvas.ellipse(0, 0.3, 0.19, 0.165, palette.main, bevel=0.03)
    canvas.ellipse(0, 0.5, 0.14, 0.125, palette.main, bevel=0.025, cast=0)
    canvas.polygon([(-0.13, 0.36), (0.13, 0.36), (0.1, 0.46), (-0.1, 0.46)], palette.main, soft=0.01, bevel=0, cast=0)
    canvas.ellipse(0, 0.43, 0.062, 0.062, shade(palette.main, 0.55), bevel=0.004, cast=0)
    canvas.ellipse(0, 0.43, 0.052, 0.052, (40, 28, 22), bevel=0, cast=0)
    canvas.box(-0.065, 0.245, 0.065, 0.27, (62, 40, 28), radius=0.005, bevel=0.006)
    canvas.box(-0.024, 0.5, 0.024, 0.98, (74, 48, 34), bevel=0.008)
    for fret in np.arange(0.53, 0.97, 0.045):
        canvas.box(-0.024, float(fret), 0.024, float(fret) + 0.003, (190, 180, 160), bevel=0, cast=0)
    canvas.polygon(
        [(-0.03, 0.97), (0.03, 0.97), (0.042, 1.11), (-0.042, 1.11)], shade(palette.main, 0.6), soft=0.008, bevel=0.01
    )
    for sign in (-1, 1):
        for z in (1.0, 1.04, 1.08):
            canvas.ellipse(sign * 0.052, z, 0.012, 0.008, palette.metal, bevel=0.004)
    for number in range(6):
        x = -0.0165 + number * 0.0066
        swing = 0.0 if phase == SILENT or (number + phase) % 3 else 0.008 * (1 if phase % 2 else -1)
        canvas.line([(x, 0.26), (x + swing, 0.5), (x, 0.98)], 0.003, (232, 226, 210))


def _keyboard(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    for sign in (-1, 1):
        canvas.line([(sign * 0.36, 0.01), (-sign * 0.3, 0.72)], 0.035, (52, 52, 56), bevel=0.01)
    canvas.box(-0.5, 0.72, 0.5, 0.92, palette.main, radius=0.02, bevel=0.018)
    canvas.box(-0.16, 0.85, 0.1, 0.9, (40, 60, 80) if phase == SILENT else (70, 170, 220), bevel=0.003)
    for knob in (0.2, 0.27, 0.34, 0.41):
        canvas.ellipse(knob, 0.875, 0.018, 0.016, palette.metal, bevel=0.006)
    pressed = {phase * 5 % 21, (phase * 5 + 4) % 21, (phase * 7 + 9) % 21} if phase != SILENT else set()
    for key in range(21):
        x = -0.47 + key * 0.0448
        drop = 0.02 if key in pressed else 0.0
        canvas.box(
            x, 0.735 - drop, x + 0.042, 0.835, (248, 246, 240) if not drop else (216, 214, 206), bevel=0.003, cast=0
        )
        if key % 7 not in (2, 6):
            canvas.box(x + 0.03, 0.775, x + 0.056, 0.835, INK, bevel=0.003, cast=0)


def _drums(canvas: SpriteCanvas, palette: Palette, phase: int) -> None:
    hit = -1 if phase == SILENT else phase % 4
    for sign in (-1, 1):
        canvas.line([(sign * 0.42, 0.0), (sign * 0.4, 1.0)], 0.018, palette.metal, bevel=0.006)
        dip = 0.02 if hit == (0 if sign < 0 else 2) else 0.0
        canvas.ellipse(sign * 0.4, 1.0 - dip, 0.2, 0.026 + dip, BRASS, bevel=0.014)
        canvas.ellipse(sign * 0.4, 1.008 - dip, 0.04, 0.014, shade(BRASS, 0.85), bevel=0.006, cast=0)
    for sign in (-1, 1):
        canvas.box(sign * 0.17 - 0.14, 0.6, sign * 0.17 + 0.14, 0.78, palette.main, radius=0.01, bevel=0.03)
        canvas.ellipse(sign * 0.17, 0.78, 0.14, 0.035, CREAM, bevel=0.01)
    canvas.ellipse(0, 0.31, 0.3, 0.3, palette.main, bevel=0.03)
    canvas.ellipse(0, 0.31, 0.262, 0.262, CREAM if hit != 1 else (250, 250, 246), bevel=0.015)
    canvas.ellipse(0, 0.31, 0.09, 0.09, palette.second, bevel=0.01, cast=0)
    for sign in (-1, 1):
        down = hit == (1 if sign < 0 else 3)
        tip = (sign * 0.17, 0.8 if down else 0.93)
        canvas.line([(sign * 0.34, 1.0 if not down else 0.92), tip], 0.016, (214, 178, 124), bevel=0.006)


INSTRUMENTS: Final[tuple[DrawnObject, ...]] = (
    DrawnObject(
        "musical_instrument",
        "guitar",
        0.46,
        1.14,
        0.43,
        "floor",
        15,
        6,
        _guitar,
        (Palette((206, 140, 70), INK), Palette((136, 56, 40), INK), Palette((222, 184, 122), INK)),
    ),
    DrawnObject(
        "musical_instrument",
        "keyboard",
        1.06,
        0.95,
        0.82,
        "floor",
        6,
        8,
        _keyboard,
        (Palette(INK, CREAM), Palette((150, 46, 44), CREAM)),
    ),
    DrawnObject(
        "musical_instrument",
        "drum kit",
        1.3,
        1.06,
        0.6,
        "floor",
        8,
        4,
        _drums,
        (
            Palette((166, 40, 46), INK),
            Palette((44, 92, 136), (220, 180, 90)),
            Palette(OAK, (60, 54, 50)),
        ),
    ),
)


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
