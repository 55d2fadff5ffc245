"""Drawing in metres: a painter for opaque textures, and a canvas for sprites with transparency and shading."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

_SUPERSAMPLING: Final = 2

Place = tuple[float, float]

_SPRITE_SUPERSAMPLING: Final = 3
_LIGHT: Final = (0.5, 0.85)
"""Weights of slopes that face left and up: the light comes from the upper left."""


def colour(hue: float, saturation: float, value: float) -> Colour:
    """RGB from a hue in degrees and saturation and value in [0, 1]."""
    red, green, blue = colorsys.hsv_to_rgb(hue / 360 % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return round(red * 255), round(green * 255), round(blue * 255)


def shade(base: Colour, factor: float) -> Colour:
    """`base` darkened (factor below 1) or lightened (above 1)."""
    red, green, blue = base
    return _byte(red * factor), _byte(green * factor), _byte(blue * factor)


def _byte(value: float) -> int:
    return min(255, max(0, round(value)))


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` of `second` mixed in."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def pick(rng: np.random.Generator, options: list[Colour] | tuple[Colour, ...]) -> Colour:
    """A random one of `options`, slightly varied."""
    chosen = options[int(rng.integers(len(options)))]
    return shade(chosen, float(rng.uniform(0.93, 1.05)))


class Painter:
    """A surface of `width` by `height` metres; x to the right, y upwards from the lower left corner."""

    def __init__(self, width: float, height: float, pixels_per_metre: float, base: Colour) -> None:
        self.width, self.height = width, height
        self.scale = pixels_per_metre * _SUPERSAMPLING
        # A whole number of output pixels, so that supersampling can be reduced exactly.
        size = tuple(max(4, round(length * pixels_per_metre)) * _SUPERSAMPLING for length in (width, height))
        self.image = Image.new("RGB", (size[0], size[1]), base)
        self._draw = ImageDraw.Draw(self.image)
        self._rows = size[1]

    def finish(self) -> Image.Image:
        """The surface at its resolution, anti-aliased."""
        return self.image.reduce(_SUPERSAMPLING)

    def box(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        fill: Colour | None,
        *,
        radius: float = 0.0,
        outline: tuple[Colour, float] | None = None,
    ) -> None:
        """A rectangle with corners rounded by `radius` and an outline of some colour and width in metres."""
        left, bottom = self._pixel(min(x0, x1), min(y0, y1))
        right, top = self._pixel(max(x0, x1), max(y0, y1))
        if right - left < 1 or bottom - top < 1:
            return
        sides = (left, top, right - 1, bottom - 1)
        line_colour, line_width = outline if outline is not None else (None, 0.0)
        width = max(1, round(line_width * self.scale)) if outline is not None else 0
        # Pillow rounds even the corners of lines one pixel wide; otherwise, rounded_rectangle is only slower.
        if radius or round(right - 1) - round(left) < 2 or round(bottom - 1) - round(top) < 2:
            self._draw.rounded_rectangle(sides, radius * self.scale, fill, line_colour, width)
        else:
            self._draw.rectangle(sides, fill, line_colour, width)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """An ellipse around (x, y)."""
        left, bottom = self._pixel(x - rx, y - ry)
        right, top = self._pixel(x + rx, y + ry)
        self._draw.ellipse((left, top, right, bottom), fill)

    def polygon(self, points: list[tuple[float, float]], fill: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon([self._pixel(x, y) for x, y in points], fill)

    def line(self, points: list[tuple[float, float]], fill: Colour, width: float) -> None:
        """A polyline `width` metres wide."""
        self._draw.line([self._pixel(x, y) for x, y in points], fill, max(1, round(width * self.scale)), "curve")

    def gradient(self, x0: float, y0: float, x1: float, y1: float, bottom: Colour, top: Colour) -> None:
        """A rectangle that fades from `bottom` to `top`."""
        left, low = (round(part) for part in self._pixel(x0, y0))
        right, high = (round(part) for part in self._pixel(x1, y1))
        if right <= left or low <= high:
            return
        column = np.linspace(0, 1, low - high)[:, None, None]
        pixels = np.asarray(top) * (1 - column) + np.asarray(bottom) * column
        strip = Image.fromarray(pixels.astype(np.uint8)).resize((right - left, low - high))
        self.image.paste(strip, (left, high))

    def shadow(self, x0: float, y0: float, x1: float, y1: float, blur: float, strength: float) -> None:
        """Darken a rectangle with soft edges: the shadow of an object in front of the surface."""
        margin = blur * 2
        left, low = (round(part) for part in self._pixel(x0 - margin, y0 - margin))
        right, high = (round(part) for part in self._pixel(x1 + margin, y1 + margin))
        if right - left < 4 or low - high < 4:
            return
        # Shadows are blurred, so that a quarter of the resolution suffices.
        small = (max(2, (right - left) // 4), max(2, (low - high) // 4))
        edge = margin * self.scale / 4
        mask = Image.new("L", small, 0)
        ImageDraw.Draw(mask).rectangle((edge, edge, small[0] - edge, small[1] - edge), round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(blur * self.scale / 4)).resize((right - left, low - high))
        self.image.paste((0, 0, 0), (left, high, right, low), mask)

    def paste(self, picture: Image.Image, x0: float, y0: float, x1: float, y1: float) -> None:
        """Paste a picture into a rectangle."""
        left, bottom = (round(part) for part in self._pixel(x0, y0))
        right, top = (round(part) for part in self._pixel(x1, y1))
        if right > left and bottom > top:
            self.image.paste(picture.resize((right - left, bottom - top), Image.Resampling.BILINEAR), (left, top))

    def _pixel(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale, self._rows - y * self.scale


def mottled(image: Image.Image, rng: np.random.Generator, coarse: float, fine: float, patch: float) -> Image.Image:
    """`image` multiplied by smooth noise, with blotches of `patch` pixels, and by grain."""
    small = (max(2, round(image.width / patch) + 1), max(2, round(image.height / patch) + 1))
    blotches = Image.fromarray(rng.standard_normal((small[1], small[0])).astype(np.float32))
    smooth = np.asarray(blotches.resize(image.size, Image.Resampling.BICUBIC))
    gain = 1 + coarse * np.clip(smooth, -2, 2)
    if fine:
        grain: NDArray[np.float32] = rng.standard_normal((64, 64), dtype=np.float32)
        rows, columns = (-(-side // 64) for side in (image.height, image.width))
        gain = gain + fine * np.tile(grain, (rows, columns))[: image.height, : image.width]
    pixels = np.asarray(image, dtype=np.float32) * gain[..., None].astype(np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


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
        fine = self.scale * _SPRITE_SUPERSAMPLING

        def at(point: Place) -> Place:
            return (
                (point[0] + self.shift + self.width / 2) * fine - left * _SPRITE_SUPERSAMPLING,
                (self.height - point[1]) * fine - top * _SPRITE_SUPERSAMPLING,
            )

        drawn = Image.new("L", ((right - left) * _SPRITE_SUPERSAMPLING, (bottom - top) * _SPRITE_SUPERSAMPLING), 0)
        draw(ImageDraw.Draw(drawn), at, fine)
        image = drawn.reduce(_SPRITE_SUPERSAMPLING)
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
