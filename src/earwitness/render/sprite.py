"""Small anti-aliased pictures with transparency, drawn once and blended many times."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

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
