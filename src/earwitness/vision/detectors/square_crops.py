"""Square crops of pictures, upright or rotated, for networks with a fixed input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RGBArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture.

    Attributes:
        x, y: its centre, pixels.
        side: pixels.
        turn: clockwise rotation in the picture, radians; the crop is rotated back.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    def to_picture(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert points (..., 2) of the crop, 0..1, to pixels of the picture."""
        across, down = (points[..., 0] - 0.5) * self.side, (points[..., 1] - 0.5) * self.side
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return np.stack([self.x + across * cos - down * sin, self.y + across * sin + down * cos], axis=-1).astype(
            np.float32
        )


def crop(picture: Image.Image, square: Square, size: int) -> NDArray[np.float32]:
    """The square as (size, size, 3) float32 in 0..255; black beyond the picture."""
    step = square.side / size
    cos, sin = np.cos(square.turn) * step, np.sin(square.turn) * step
    half = size / 2
    matrix = (cos, -sin, square.x - half * cos + half * sin, sin, cos, square.y - half * sin - half * cos)
    if square.turn == 0 and step > 1:
        # Downscaling must average, or thin structures are lost.
        left, top = square.x - square.side / 2, square.y - square.side / 2
        box = (round(left), round(top), round(left + square.side), round(top + square.side))
        cut = picture.crop(box).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    else:
        cut = picture.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(cut, dtype=np.float32)


def tiles(width: int, height: int, side: int, overlap: float = 0.5) -> list[Square]:
    """Squares of `side` pixels that cover a picture, neighbours sharing at least `overlap` of their side."""
    return [
        Square(x, y, side)
        for y in _centres(height, side, overlap)
        for x in _centres(width, side, overlap)
    ]  # fmt: skip


def _centres(length: int, side: int, overlap: float) -> list[float]:
    if length <= side:
        return [length / 2]
    count = 1 + int(np.ceil((length - side) / (side * (1 - overlap)) - 1e-9))
    return [float(place) for place in np.linspace(side / 2, length - side / 2, count)]
