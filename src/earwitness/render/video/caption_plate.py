"""Captions burnt into pictures: white letters on a dark plate, on the side of their sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from earwitness.core.errors import UsageError, shortened
from earwitness.export.captions.captions import Caption
from earwitness.export.subtitle_file import plain_text
from earwitness.render.sprite import RGBArray, Sprite

_HEIGHT_SHARE: Final = 0.052
"""Height of the letters for a picture that is wider than high."""
_NARROW_SHARE: Final = 0.036
"""The same for a portrait picture, as a share of its height; its lines are short."""
_SAFE: Final = 0.05
"""Margin at all sides; broadcasters keep captions within it."""
_SMALLEST_PX: Final = 7
_PLATE: Final = (0, 0, 0, 190)
_TEXT: Final = (255, 255, 255, 255)
_EPSILON: Final = 1e-6


class CaptionPlates:
    """Draws the captions of a video.

    Args:
        captions: in order of time; they do not overlap.
        width, height: size of the picture, pixels.
        font: font file; by default DejaVu Sans or, for other writing systems, an installed font.

    Raises:
        UsageError: the picture is too small for captions, or no font has their characters.
    """

    def __init__(self, captions: Sequence[Caption], width: int, height: int, font: Path | None = None) -> None:
        self._captions, self._width, self._height = captions, width, height
        self._font = font_for({sign for cue in captions for line in cue.lines for sign in plain_text(line)}, font)
        share = _HEIGHT_SHARE if width >= height else _NARROW_SHARE
        wanted = round(height * share)
        self._size = min((self._fitting(cue, wanted) for cue in captions), default=wanted)
        if captions and self._size < _SMALLEST_PX:
            raise UsageError(f"pictures of {width}x{height} pixels have no room for captions; use a larger video")
        self._next = 0
        self._plate: tuple[Caption, Sprite, int, int] | None = None

    def draw(self, canvas: RGBArray, time: float) -> None:
        """Draw the caption that is shown at a time (seconds), if any; times must not decrease."""
        while self._next < len(self._captions) and self._captions[self._next].end <= time + _EPSILON:
            self._next += 1
        if self._next == len(self._captions):
            return
        caption = self._captions[self._next]
        if caption.start > time + _EPSILON:
            return
        if self._plate is None or self._plate[0] is not caption:
            self._plate = (caption, *self._made(caption))
        _, sprite, left, top = self._plate
        sprite.blend(canvas, left, top)

    def _fitting(self, caption: Caption, wanted: int) -> int:
        """Letter size at which the longest line fits."""
        widest = max((_font(self._font, 100).getlength(plain_text(line)) for line in caption.lines), default=1.0)
        room = self._width * (1 - 2 * _SAFE) - wanted
        return min(wanted, int(100 * room / max(widest, 1.0)))

    def _made(self, caption: Caption) -> tuple[Sprite, int, int]:
        """The plate of a caption, and its position."""
        font, pad, side_pad = _font(self._font, self._size), max(2, self._size // 4), max(3, self._size // 2)
        lines = [plain_text(line) for line in caption.lines]
        step = round(self._size * 1.3)
        width = min(self._width, round(max(map(font.getlength, lines))) + 2 * side_pad)
        image = Image.new("RGBA", (width, step * len(lines) + 2 * pad - (step - self._size) // 2), (0, 0, 0, 0))
        drawing = ImageDraw.Draw(image)
        drawing.rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius=pad, fill=_PLATE)
        side = _side(caption.position)
        anchor, column = {"left": ("la", side_pad), "right": ("ra", width - side_pad)}.get(side, ("ma", width // 2))
        for number, line in enumerate(lines):
            drawing.text((column, pad + number * step - self._size // 8), line, font=font, fill=_TEXT, anchor=anchor)
        margin = round(self._width * _SAFE)
        left = {"left": margin, "right": self._width - margin - width}.get(side, (self._width - width) // 2)
        top = self._height - round(self._height * _SAFE) - image.height
        return Sprite.from_image(image), max(0, min(left, self._width - width)), max(0, top)


def font_for(signs: Iterable[str], chosen: Path | None = None) -> str:
    """Path of a font that has all of the signs.

    Raises:
        UsageError: the chosen font is none or lacks a sign, or no installed font has them all.
    """
    from matplotlib import get_data_path
    from matplotlib.font_manager import findSystemFonts

    wanted = frozenset(sign for sign in signs if not sign.isspace())
    if chosen is not None:
        missing = sorted(wanted - _signs_of(str(chosen), must=True))
        if missing:
            raise UsageError(f"--font {chosen}: has no {shortened(''.join(missing), 30)}; name another font")
        return str(chosen)
    usual = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    for path in [usual, *sorted(findSystemFonts())] if wanted - _signs_of(usual) else [usual]:
        if wanted <= _signs_of(path):
            return path
    absent = shortened("".join(sorted(wanted - _signs_of(usual))), 20)
    raise UsageError(
        f"no installed font has {absent}; name one with --font FILE, or install one (Debian: fonts-noto-cjk)"
    )


@cache
def _signs_of(path: str, must: bool = False) -> frozenset[str]:
    """Characters of a font; none if it cannot be read, unless it must."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError, ValueError) as error:
        if must:
            raise UsageError(f"--font {path}: is not a font ({shortened(str(error), 60)})") from None
        return frozenset()


@cache
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _side(position: int | None) -> str:
    return "middle" if position is None or 35 <= position <= 65 else "left" if position < 35 else "right"
