"""A drawn background for files that have sound only."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from earwitness.geometry import Camera
from earwitness.render.sprite import RGBArray
from earwitness.render.style import SOFT_TEXT, TEXT, Scale, direction_text, font

SIZE: Final = (1280, 720)
_SKY: Final = np.array([38.0, 46.0, 60.0])
_GROUND: Final = np.array([18.0, 22.0, 29.0])
_LINE: Final = (62, 72, 88)
_STEP_DEG: Final = 15


def drawn_background(title: str, horizontal_fov_deg: float) -> RGBArray:
    """A stage (720, 1280, 3): the horizon, lines of equal direction with their degrees, and the file's name."""
    width, height = SIZE
    scale, camera = Scale(width, height), Camera(width, height, horizontal_fov_deg)
    shade = np.abs(np.linspace(-1, 1, height))[:, None, None]
    ground = (_GROUND + (_SKY - _GROUND) * (1 - shade) ** 1.5) * np.ones((1, width, 1))
    image = Image.fromarray(np.rint(ground).astype(np.uint8))
    drawing = ImageDraw.Draw(image)
    drawing.line([0, height // 2, width, height // 2], fill=_LINE, width=scale.px(1))
    for azimuth in range(-90 + _STEP_DEG, 90, _STEP_DEG):
        column = float(camera.column(azimuth))
        if not scale.px(24) <= column <= width - scale.px(24):
            continue
        drawing.line([column, height * 0.1, column, height * 0.9], fill=_LINE, width=scale.px(1))
        drawing.text((column, height * 0.065), direction_text(azimuth), font=font(scale.px(9)), fill=SOFT_TEXT,
                     anchor="mm")  # fmt: skip
    drawing.text((width / 2, height * 0.955), title, font=font(scale.px(12), True), fill=TEXT, anchor="mm")
    return np.array(image)
