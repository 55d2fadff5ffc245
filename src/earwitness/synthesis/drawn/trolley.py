"""A trolley: what things that move stand on."""

from __future__ import annotations

from PIL import Image

from earwitness.synthesis.drawn.clay import Clay
from earwitness.synthesis.drawn.painter import Colour, shade

WIDTH = 0.5


def draw_trolley(height: float, pixels_per_metre: float, wood: Colour = (176, 134, 90)) -> Image.Image:
    """Picture (RGBA) of a trolley WIDTH metres wide whose top is `height` metres above the floor."""
    clay = Clay(WIDTH, max(height, 0.08), pixels_per_metre)
    metal = (120, 122, 128)
    for sign in (-1, 1):
        clay.ellipse(sign * 0.19, 0.03, 0.03, 0.03, (48, 48, 52), bevel=0.008)
        if height > 0.15:
            clay.limb([(sign * 0.19, 0.05), (sign * 0.19, height - 0.03)], [0.014, 0.014], metal, bevel=0.006)
    if height > 0.45:
        clay.box(-0.21, 0.12, 0.21, 0.15, shade(wood, 0.9), radius=0.006, bevel=0.008)
    clay.box(-0.24, height - 0.035, 0.24, height, wood, radius=0.008, bevel=0.01)
    return clay.finish()
