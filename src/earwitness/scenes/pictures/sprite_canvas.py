"""Draws pictures of objects from shaded shapes on a transparent background."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from earwitness.scenes.pictures.painter import Colour

Place = tuple[float, float]

_SUPERSAMPLING: Final = 3
_LIGHT: Final = (0.5, 0.85)
"""Weights of slopes that face left and up: the light comes from the upper left."""


class SpriteCanvas:
    """A transparent picture of `width` by `height` metres; x is to the right of its centre, z up from its lower edge.

    Each shape covers the previous ones, is shaded as if convex and lit from the upper left, and casts a soft shadow.

    Attributes:
        shift: metres by which the following shapes are moved to the right.
    """

    def __init__(self, width: float, height: float, pixels_per_metre: float) -> None:
        self.width, self.height, self.scale = width, height, pixels_per_metre
        self.shift = 0.0
        shape = (max(1, round(height * pixels_per_metre)), max(1, round(width * pixels_per_metre)))
        self._colour: NDArray[np.float32] = np.zeros((*shape, 3), dtype=np.float32)
        self._alpha: NDArray[np.float32] = np.zeros(shape, dtype=np.float32)

    def finish(self) -> Image.Image:
        """The picture as RGBA."""
        alpha = self._alpha[..., None]
        straight = self._colour / np.maximum(alpha, 1e-3)
        pixels = np.concatenate([straight, alpha * 255], axis=2)
        return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))

    def ellipse(self, x: float, z: float, rx: float, rz: float, fill: Colour, **shading: float) -> None:
        """An ellipse around (x, z)."""

        def draw(pen: ImageDraw.ImageDraw, at: Callable[[Place], Place], scale: float) -> None:
            left, top = at((x - rx, z + rz))
            right, bottom = at((x + rx, z - rz))
            pen.ellipse((left, top, right, bottom), 255)

        self._add((x - rx, z - rz, x + rx, z + rz), draw, fill, **shading)

    def polygon(self, points: list[Place], fill: Colour, soft: float = 0.0, **shading: float) -> None:
        """A polygon with corners rounded by about `soft` metres."""
        closed = [*points, points[0]]

        def draw(pen: ImageDraw.ImageDraw, at: Callable[[Place], Place], scale: float) -> None:
            pen.polygon([at(point) for point in points], 255)
            if soft:
                pen.line([at(point) for point in closed], 255, max(1, round(2 * soft * scale)), "curve")
                for px, pz in (at(point) for point in points):
                    pen.ellipse((px - soft * scale, pz - soft * scale, px + soft * scale, pz + soft * scale), 255)

        x, z = zip(*points, strict=True)
        self._add((min(x) - soft, min(z) - soft, max(x) + soft, max(z) + soft), draw, fill, **shading)

    def box(
        self, x0: float, z0: float, x1: float, z1: float, fill: Colour, radius: float = 0.0, **shading: float
    ) -> None:
        """A rectangle with corners rounded by `radius`."""

        def draw(pen: ImageDraw.ImageDraw, at: Callable[[Place], Place], scale: float) -> None:
            left, top = at((min(x0, x1), max(z0, z1)))
            right, bottom = at((max(x0, x1), min(z0, z1)))
            pen.rounded_rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), radius * scale, 255)

        self._add((min(x0, x1), min(z0, z1), max(x0, x1), max(z0, z1)), draw, fill, **shading)

    def limb(self, points: list[Place], radii: list[float], fill: Colour, **shading: float) -> None:
        """A tube along `points` with the given radius at each point."""

        def draw(pen: ImageDraw.ImageDraw, at: Callable[[Place], Place], scale: float) -> None:
            placed = [(*at(point), radius * scale) for point, radius in zip(points, radii, strict=True)]
            for px, pz, radius in placed:
                pen.ellipse((px - radius, pz - radius, px + radius, pz + radius), 255)
            for (ax, az, ar), (bx, bz, br) in pairwise(placed):
                length = max(float(np.hypot(bx - ax, bz - az)), 1e-6)
                nx, nz = -(bz - az) / length, (bx - ax) / length
                pen.polygon(
                    [
                        (ax + nx * ar, az + nz * ar),
                        (bx + nx * br, bz + nz * br),
                        (bx - nx * br, bz - nz * br),
                        (ax - nx * ar, az - nz * ar),
                    ],
                    255,
                )

        x, z = zip(*points, strict=True)
        widest = max(radii)
        self._add((min(x) - widest, min(z) - widest, max(x) + widest, max(z) + widest), draw, fill, **shading)

    def line(self, points: list[Place], width: float, fill: Colour, **shading: float) -> None:
        """A thin, flat line."""
        self.limb(points, [width / 2] * len(points), fill, **{"bevel": 0.0, "cast": 0.0, **shading})

    def _add(
        self,
        bounds: tuple[float, float, float, float],
        draw: Callable[[ImageDraw.ImageDraw, Callable[[Place], Place], float], None],
        fill: Colour,
        bevel: float = 0.02,
        cast: float = 0.25,
        gloss: float = 1.0,
        opacity: float = 1.0,
    ) -> None:
        """Add a shape.

        Args:
            bounds: bounding box (x0, z0, x1, z1).
            draw: draws its mask.
            fill: its colour.
            bevel: width of its rounded rim in metres; 0 for a flat shape.
            cast: darkness of its shadow.
            gloss: contrast of the shading.
            opacity: 0 to 1.
        """
        margin = 2.5 * max(bevel, 0.02 if cast else 0.0) * self.scale + 2
        top, bottom = self._span(
            (self.height - bounds[3]) * self.scale, (self.height - bounds[1]) * self.scale, margin, 0
        )
        left, right = self._span(
            (bounds[0] + self.shift + self.width / 2) * self.scale,
            (bounds[2] + self.shift + self.width / 2) * self.scale,
            margin,
            1,
        )
        if bottom <= top or right <= left:
            return
        fine = self.scale * _SUPERSAMPLING

        def at(point: Place) -> Place:
            return (
                (point[0] + self.shift + self.width / 2) * fine - left * _SUPERSAMPLING,
                (self.height - point[1]) * fine - top * _SUPERSAMPLING,
            )

        drawn = Image.new("L", ((right - left) * _SUPERSAMPLING, (bottom - top) * _SUPERSAMPLING), 0)
        draw(ImageDraw.Draw(drawn), at, fine)
        image = drawn.reduce(_SUPERSAMPLING)
        window = (slice(top, bottom), slice(left, right))
        if cast and self._alpha[window].any():
            self._colour[window] *= 1 - cast * self._shadow(image)[..., None]
        mask = np.asarray(image, dtype=np.float32) * np.float32(opacity / 255)
        colour = np.asarray(fill, dtype=np.float32) * self._lighting(image, bevel, gloss)[..., None]
        transparency = 1 - mask
        self._colour[window] = colour * mask[..., None] + self._colour[window] * transparency[..., None]
        self._alpha[window] = mask + self._alpha[window] * transparency

    def _span(self, low: float, high: float, margin: float, axis: int) -> tuple[int, int]:
        return max(0, int(low - margin)), min(self._alpha.shape[axis], int(np.ceil(high + margin)))

    def _shadow(self, mask: Image.Image) -> NDArray[np.float32]:
        blurred = np.asarray(mask.filter(ImageFilter.GaussianBlur(0.018 * self.scale)), dtype=np.float32) / 255
        drop = min(max(1, round(0.012 * self.scale)), blurred.shape[0] - 1)
        fallen: NDArray[np.float32] = np.zeros(blurred.shape, dtype=np.float32)
        fallen[drop:] = blurred[: len(blurred) - drop]
        return fallen

    def _lighting(self, mask: Image.Image, bevel: float, gloss: float) -> NDArray[np.float32]:
        """Brightness (h, w) of a convex shape, around 1."""
        radius = bevel * self.scale
        if radius < 0.5 or min(mask.size) < 3:
            return np.ones((mask.height, mask.width), dtype=np.float32)
        height = np.asarray(mask.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) * np.float32(radius / 100)
        slope_z, slope_x = np.gradient(height)
        light = np.clip(_LIGHT[0] * slope_x + _LIGHT[1] * slope_z, -1, 1)
        lit: NDArray[np.float32] = (1 + gloss * np.where(light > 0, 0.2 * light, 0.42 * light)).astype(np.float32)
        return lit
