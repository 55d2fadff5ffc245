"""Icons of classes, as SVG and as sprites that are blended into pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from earwitness.core.vocabulary import SoundClass
from earwitness.render.style import Colour

RGBArray = NDArray[np.uint8]
_OVERSAMPLING: Final = 4
SPRITE_BYTES: Final = 6 << 20
"""Default cache size, enough for hundreds of small sprites."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A picture to blend, with premultiplied opacity.

    Attributes:
        light: (h, w, 3) uint16, colour times opacity, 0..255 * 256.
        keep: (h, w, 1) uint16, weight of the background, 0..256.
    """

    light: NDArray[np.uint16]
    keep: NDArray[np.uint16]

    @classmethod
    def from_image(cls, image: Image.Image, opacity: float = 1.0) -> Sprite:
        """Make a sprite from an RGBA picture, whose alpha is multiplied by `opacity`."""
        rgba = np.asarray(image.convert("RGBA"), dtype=np.float32)
        alpha = np.rint(rgba[..., 3:] * (opacity * 256 / 255)).astype(np.uint16)
        return cls((rgba[..., :3].astype(np.uint16) * alpha).astype(np.uint16), (256 - alpha).astype(np.uint16))

    @property
    def nbytes(self) -> int:
        """Memory use, bytes."""
        return self.light.nbytes + self.keep.nbytes

    @property
    def width(self) -> int:
        """Width, pixels."""
        return int(self.light.shape[1])

    @property
    def height(self) -> int:
        """Height, pixels."""
        return int(self.light.shape[0])

    def blend(self, canvas: RGBArray, left: int, top: int) -> None:
        """Blend onto `canvas` (H, W, 3) in place, with the top left corner at (left, top); clips parts outside."""
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(canvas.shape[1], left + self.width), min(canvas.shape[0], top + self.height)
        if x0 >= x1 or y0 >= y1:
            return
        mine = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        spot = canvas[y0:y1, x0:x1]
        mixed = spot * self.keep[mine]
        mixed += self.light[mine]
        np.right_shift(mixed, 8, out=mixed)
        spot[...] = mixed

    def blend_centred(self, canvas: RGBArray, x: float, y: float) -> None:
        """Blend with the sprite's centre at (x, y)."""
        self.blend(canvas, round(x - self.width / 2), round(y - self.height / 2))


def smooth_drawing(width: int, height: int, colour: Colour, draw: Callable[[Any, float], None]) -> Image.Image:
    """Make an anti-aliased drawing: drawn large, then reduced.

    Args:
        width, height: size of the result, pixels.
        colour: colour of the transparent background, so that edges do not darken.
        draw: called with a Pillow drawing context and the scale factor of coordinates.
    """
    large = Image.new("RGBA", (width * _OVERSAMPLING, height * _OVERSAMPLING), (*colour, 0))
    draw(ImageDraw.Draw(large), _OVERSAMPLING)
    return large.resize((width, height), Image.Resampling.BOX)


class SpriteCache:
    """A cache of sprites that drops the least recently used ones.

    Args:
        most_bytes: largest total size; a single larger sprite is kept until the next one is added.
    """

    def __init__(self, most_bytes: int = SPRITE_BYTES) -> None:
        self._sprites: OrderedDict[tuple[Any, ...], Sprite] = OrderedDict()
        self._most, self._bytes = most_bytes, 0

    def get(self, make: Callable[..., Sprite], *key: Any) -> Sprite:
        """Return the sprite of `make(*key)`, from the cache if possible."""
        named = (make.__name__, *key)
        sprite = self._sprites.get(named)
        if sprite is not None:
            self._sprites.move_to_end(named)
            return sprite
        sprite = self._sprites[named] = make(*key)
        self._bytes += sprite.nbytes
        while self._bytes > self._most and len(self._sprites) > 1:
            self._bytes -= self._sprites.popitem(last=False)[1].nbytes
        return sprite


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle; `cut` removes it from the shapes below."""

    x: float
    y: float
    r: float
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled polygon; `cut` removes it from the shapes below."""

    points: tuple[Point, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line with round ends."""

    points: tuple[Point, ...]
    width: float
    cut: bool = False


Shape = Disc | Polygon | Line


def _arc(x: float, y: float, r: float, start: float, end: float, width: float = 0.08, cut: bool = False) -> Line:
    """An arc from `start` to `end` degrees, clockwise from the right."""
    angles = [radians(start + (end - start) * step / 12) for step in range(13)]
    return Line(tuple((x + r * cos(a), y + r * sin(a)) for a in angles), width, cut)


def _ellipse(x: float, y: float, a: float, b: float, turn: float = 0.0) -> Polygon:
    t = radians(turn)
    points = []
    for step in range(24):
        u, v = a * cos(radians(15 * step)), b * sin(radians(15 * step))
        points.append((x + u * cos(t) - v * sin(t), y + u * sin(t) + v * cos(t)))
    return Polygon(tuple(points))


def _pairs(numbers: tuple[float, ...]) -> tuple[Point, ...]:
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _polygon(*numbers: float, cut: bool = False) -> Polygon:
    return Polygon(_pairs(numbers), cut)


def _line(*numbers: float, width: float = 0.09, cut: bool = False) -> Line:
    return Line(_pairs(numbers), width, cut)


_VOICE: Final = (_arc(0.56, 0.34, 0.15, -48, 48), _arc(0.56, 0.34, 0.33, -48, 48))

_SHAPES: Final[dict[str, tuple[Shape, ...]]] = {
    "female_speech": (Disc(0.34, 0.22, 0.15), _polygon(0.34, 0.34, 0.62, 0.92, 0.06, 0.92), *_VOICE),
    "male_speech": (
        Disc(0.34, 0.22, 0.15), _polygon(0.16, 0.43, 0.52, 0.43, 0.58, 0.54, 0.58, 0.92, 0.10, 0.92, 0.10, 0.54),
        *_VOICE),
    "clapping": (_polygon(0.08, 0.88, 0.24, 0.96, 0.50, 0.62, 0.50, 0.30, 0.40, 0.30),
        _polygon(0.92, 0.88, 0.76, 0.96, 0.54, 0.62, 0.54, 0.30, 0.64, 0.30),
        _line(0.52, 0.05, 0.52, 0.17), _line(0.26, 0.12, 0.33, 0.21), _line(0.78, 0.12, 0.71, 0.21)),
    "telephone": (_polygon(0.33, 0.44, 0.67, 0.44, 0.90, 0.90, 0.10, 0.90), Disc(0.5, 0.67, 0.13, cut=True),
        _line(0.11, 0.40, 0.20, 0.24, 0.80, 0.24, 0.89, 0.40, width=0.17)),
    "laughter": (Disc(0.5, 0.5, 0.44), Disc(0.34, 0.38, 0.07, cut=True), Disc(0.66, 0.38, 0.07, cut=True),
        _polygon(0.22, 0.54, 0.78, 0.54, 0.72, 0.70, 0.60, 0.80, 0.40, 0.80, 0.28, 0.70, cut=True)),
    "domestic_sounds": (
        _polygon(0.5, 0.06, 0.96, 0.50, 0.04, 0.50), _polygon(0.16, 0.46, 0.84, 0.46, 0.84, 0.92, 0.16, 0.92),
        _polygon(0.42, 0.60, 0.58, 0.60, 0.58, 0.92, 0.42, 0.92, cut=True)),
    "footsteps": (
        _ellipse(0.30, 0.52, 0.14, 0.22, 8), _ellipse(0.28, 0.86, 0.10, 0.10), _ellipse(0.70, 0.26, 0.14, 0.20, -8),
        _ellipse(0.72, 0.58, 0.10, 0.10)),
    "door": (_polygon(0.22, 0.06, 0.78, 0.06, 0.78, 0.94, 0.22, 0.94), Disc(0.64, 0.52, 0.07, cut=True),
        _line(0.08, 0.94, 0.92, 0.94, width=0.08)),
    "music": (Disc(0.24, 0.78, 0.16), Disc(0.74, 0.70, 0.16), _line(0.36, 0.76, 0.36, 0.20, width=0.09),
        _line(0.86, 0.68, 0.86, 0.12, width=0.09), _polygon(0.315, 0.17, 0.905, 0.06, 0.905, 0.26, 0.315, 0.37)),
    "musical_instrument": (
        _polygon(0.06, 0.18, 0.94, 0.18, 0.94, 0.84, 0.06, 0.84),
        _line(0.35, 0.56, 0.35, 0.84, width=0.05, cut=True),
        _line(0.65, 0.56, 0.65, 0.84, width=0.05, cut=True),
        _polygon(0.27, 0.18, 0.43, 0.18, 0.43, 0.56, 0.27, 0.56, cut=True),
        _polygon(0.57, 0.18, 0.73, 0.18, 0.73, 0.56, 0.57, 0.56, cut=True)),
    "water_tap": (Disc(0.5, 0.64, 0.30), _polygon(0.5, 0.04, 0.755, 0.48, 0.245, 0.48),
        _arc(0.5, 0.64, 0.17, 20, 80, 0.06, cut=True)),
    "bell": (
        _polygon(0.5, 0.08, 0.62, 0.12, 0.74, 0.26, 0.78, 0.58, 0.92, 0.76, 0.08, 0.76, 0.22, 0.58, 0.26, 0.26, 0.38,
        0.12), Disc(0.5, 0.85, 0.11)),
    "knock": (_polygon(0.30, 0.38, 0.62, 0.38, 0.62, 0.68, 0.30, 0.68),
        _polygon(0.02, 0.44, 0.32, 0.44, 0.32, 0.64, 0.02, 0.64),
        _line(0.80, 0.06, 0.80, 0.94, width=0.12), _line(0.66, 0.26, 0.58, 0.16, width=0.07),
        _line(0.66, 0.80, 0.58, 0.90, width=0.07)),
}  # fmt: skip
"""Shapes in a unit square by icon name; later shapes are drawn on top."""
_UNKNOWN: Final[tuple[Shape, ...]] = (Disc(0.5, 0.5, 0.30), Disc(0.5, 0.5, 0.14, cut=True))


def icon_shapes(sound_class: SoundClass) -> tuple[Shape, ...]:
    """The shapes of a class's icon; a ring if it has none of its own."""
    return _SHAPES.get(sound_class.icon, _UNKNOWN)


def draw_icon(
    drawing: Any, sound_class: SoundClass, left: float, top: float, side: float, ink: tuple[int, ...],
    cut: tuple[int, ...],
) -> None:  # fmt: skip
    """Draw an icon onto a Pillow drawing context.

    Args:
        drawing: the context.
        sound_class: the class.
        left, top, side: corner and side of its square, pixels.
        ink, cut: colours of the icon and of the background.
    """

    def at(point: Point) -> Point:
        return left + point[0] * side, top + point[1] * side

    def disc(point: Point, r: float, fill: tuple[int, ...]) -> None:
        (x, y), r = at(point), r * side
        drawing.ellipse([x - r, y - r, x + r, y + r], fill=fill)

    for shape in icon_shapes(sound_class):
        fill = cut if shape.cut else ink
        if isinstance(shape, Disc):
            disc((shape.x, shape.y), shape.r, fill)
        elif isinstance(shape, Polygon):
            drawing.polygon([at(point) for point in shape.points], fill=fill)
        else:
            drawing.line(
                [at(p) for p in shape.points], fill=fill, width=max(1, round(shape.width * side)), joint="curve"
            )
            for end in (shape.points[0], shape.points[-1]):
                disc(end, shape.width / 2, fill)


def svg_icon(sound_class: SoundClass) -> str:
    """An icon as SVG elements for the view box 0 0 1 1; cut shapes have the colour --cut."""
    parts = []
    for shape in icon_shapes(sound_class):
        colour = "var(--cut)" if shape.cut else "currentColor"
        if isinstance(shape, Disc):
            parts.append(f'<circle cx="{shape.x:g}" cy="{shape.y:g}" r="{shape.r:g}" fill="{colour}"/>')
            continue
        points = " ".join(f"{x:.3g},{y:.3g}" for x, y in shape.points)
        if isinstance(shape, Polygon):
            parts.append(f'<polygon points="{points}" fill="{colour}"/>')
        else:
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{shape.width:g}" '
                'stroke-linecap="round" stroke-linejoin="round"/>'
            )
    return "".join(parts)
