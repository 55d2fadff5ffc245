"""Pictures of drawn objects as arrays."""

from __future__ import annotations

import numpy as np

from earwitness.scenes.pictures.objects.drawn_object import SILENT, DrawnObject, Palette
from earwitness.scenes.pictures.painter import SpriteCanvas

SCALE = 64
"""Pixels per metre."""
PLAIN = Palette((180, 70, 60), (90, 92, 98))
"""For objects that may have any colours."""


def drawn(one: DrawnObject, phase: int) -> np.ndarray:
    """The object in a phase: (height, width, 4) of uint8, in its first colours."""
    canvas = SpriteCanvas(one.width, one.height, SCALE)
    one.draw(canvas, one.palettes[0] if one.palettes else PLAIN, phase)
    return np.asarray(canvas.finish())


def changes(one: DrawnObject, phase: int) -> np.ndarray:
    """Which pixels differ from the silent object: (height, width)."""
    return (drawn(one, phase) != drawn(one, SILENT)).any(axis=2)


def near(picture: np.ndarray, colour: tuple[int, int, int], distance: int = 30) -> np.ndarray:
    """Which opaque pixels are about of this colour: (height, width)."""
    apart = np.abs(picture[..., :3].astype(int) - colour).max(axis=2)
    return np.asarray((apart <= distance) & (picture[..., 3] > 128))
