"""Paints flat surfaces in metres: walls, floors, fronts of furniture."""

from __future__ import annotations

import colorsys
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

_SUPERSAMPLING: Final = 2


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
