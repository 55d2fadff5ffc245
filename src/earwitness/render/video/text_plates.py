"""Text in pictures: burnt captions, and the forms of labels from complete to the icon alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any, Final, Literal

from PIL import Image, ImageDraw, ImageFont

from earwitness.core.errors import UsageError, shortened
from earwitness.core.vocabulary import SoundClass
from earwitness.export.captions.captions import Caption
from earwitness.export.subtitle_file import plain_text
from earwitness.render.icons import RGBArray, Sprite, SpriteCache, draw_icon, smooth_drawing
from earwitness.render.marks import Mark
from earwitness.render.style import INK, SOFT_TEXT, TEXT, Scale, direction_text, font, place_text
from earwitness.render.video import MarkerStyle

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
    without = shortened("".join(sorted(wanted - _signs_of(usual))), 20)
    raise UsageError(
        f"no installed font has {without}; name one with --font FILE, or install one (Debian: fonts-noto-cjk)"
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


Arrow = Literal["", "left", "right"]
_WIDEST_SHARE: Final = 0.6
"""Of the picture's width; longer names are shortened."""
_LEAST_ROOM: Final = 7.0
"""Width for text below which names would be unreadable, in text sizes."""
_TOO_LARGE: Final = (0.7, 1 / 3)
"""Shares of the picture's width and height; larger labels are replaced by the icon alone."""


@dataclass(frozen=True, slots=True)
class VideoStyle:
    """How an annotated video looks; sizes in units of `Scale`.

    Attributes:
        name_size, detail_size: sizes of the name and of the line below it; without the latter, there is one line.
        pad: space within a label.
        stroke: width of lines and frames.
        margin: share of the picture's sides that labels keep free.
        plate: opacity of labels, 0..1.
        block: whether the icon stands on a block of the class's colour.
        panel: whether a view from above and a timeline are added below the picture.
    """

    name_size: float
    detail_size: float | None
    pad: float
    stroke: float
    margin: float
    plate: float
    block: bool
    panel: bool


STYLES: Final[dict[MarkerStyle, VideoStyle]] = {
    "clean": VideoStyle(10.5, 9.5, 5, 1.5, 0.012, 0.72, block=False, panel=True),
    # Labels stay within the title-safe area of EBU R 95 (90 % of the picture).
    "broadcast": VideoStyle(14.0, None, 6, 2.5, 0.05, 0.92, block=True, panel=False),
}


class LabelForms:
    """Makes the forms of labels: complete, one line, icon alone."""

    def __init__(self, style: VideoStyle, scale: Scale, cache: SpriteCache) -> None:
        """Prepare labels for pictures of one scale."""
        self._style, self._scale, self._cache = style, scale, cache

    def forms(self, mark: Mark, arrow: Arrow, hidden: bool) -> tuple[Sprite, ...]:
        """The forms of a mark's label; the most informative first.

        Args:
            mark: the mark.
            arrow: the edge of the picture that an arrow points to.
            hidden: whether the source is within the field of view, but not in the picture.
        """
        one = mark.sound_class
        texts: list[tuple[str, str]] = [(one.name, ""), ("", "")]
        if self._style.detail_size is not None:
            texts.insert(0, (one.name, _detail(mark, hidden)))
        elif arrow or hidden or isnan(mark.text_azimuth):
            texts.insert(0, (f"{one.name}, {'direction unknown' if isnan(mark.text_azimuth) else 'off screen'}", ""))
        *others, icon = (self._cache.get(self._label, one, name, detail, arrow) for name, detail in texts)
        return (*(form for form in others if self._fits(form)), icon)

    def _fits(self, form: Sprite) -> bool:
        wide, high = _TOO_LARGE
        legible = self._scale.width * _WIDEST_SHARE >= _LEAST_ROOM * self._scale.px(self._style.name_size)
        return legible and form.width <= wide * self._scale.width and form.height <= high * self._scale.height

    def _label(self, sound_class: SoundClass, name: str, detail: str, arrow: Arrow) -> Sprite:
        style, scale = self._style, self._scale
        bold, plain = font(scale.px(style.name_size), True), font(scale.px(style.detail_size or style.name_size))
        pad, icon = scale.px(style.pad), scale.px(style.name_size * 1.5)
        head = scale.px(style.name_size) if arrow else 0
        room = max(1, round(scale.width * _WIDEST_SHARE) - icon - 3 * pad - head)
        name, detail = _fitted(name, bold, room), _fitted(detail, plain, room)
        text = round(max(bold.getlength(name), plain.getlength(detail)))
        block = icon + 2 * pad
        width = block + (text + (2 if style.block else 1) * pad if name else 0)
        height = (
            round(scale.px(style.name_size) * 1.25 + (scale.px(style.detail_size or 0) * 1.3 if detail else 0)) + pad
        )
        height = max(height, icon + pad)
        colour, left = sound_class.rgb, head if arrow == "left" else 0

        def plate(drawing: Any, zoom: float) -> None:
            ends = [left * zoom, 0, (left + width) * zoom - 1, height * zoom - 1]
            round_by = scale.px(3) * zoom
            drawing.rounded_rectangle(ends, round_by, fill=(*INK, round(255 * style.plate)))
            if style.block:
                drawing.rounded_rectangle(
                    [ends[0], 0, ends[0] + block * zoom - 1, ends[3]], round_by, fill=(*colour, 255)
                )
            if arrow:
                tip, back = (0, head) if arrow == "left" else (width + head, width)
                rise = min(height / 2, head)
                drawing.polygon(
                    [(tip * zoom, height / 2 * zoom), (back * zoom, (height / 2 - rise) * zoom),
                     (back * zoom, (height / 2 + rise) * zoom)], fill=(*colour, 255),
                )  # fmt: skip
            ink, cut = (INK, colour) if style.block else (colour, INK)
            top = (height - icon) / 2 * zoom
            draw_icon(drawing, sound_class, (left + pad) * zoom, top, icon * zoom, (*ink, 255), (*cut, 255))

        image = smooth_drawing(width + head, height, INK, plate)
        _write(image, left + block + (pad if style.block else 0), (name, detail), (bold, plain))
        return Sprite.from_image(image)


def _write(image: Image.Image, left: int, texts: tuple[str, str], fonts: tuple[Any, Any]) -> None:
    drawing, (name, detail) = ImageDraw.Draw(image), texts
    upper, lower = (0.32, 0.73) if detail else (0.5, 0.5)
    drawing.text((left, image.height * upper), name, font=fonts[0], fill=(*TEXT, 255), anchor="lm")
    if detail:
        drawing.text((left, image.height * lower), detail, font=fonts[1], fill=(*SOFT_TEXT, 255), anchor="lm")


def _detail(mark: Mark, hidden: bool) -> str:
    if isnan(mark.text_azimuth):
        known = "" if isnan(mark.text_distance) else f" · {mark.text_distance:.1f} m"
        return f"{direction_text(mark.text_azimuth)}{known}"
    return place_text(mark.text_azimuth, mark.text_distance) + (" · off screen" if hidden else "")


def _fitted(text: str, face: Any, room: int) -> str:
    """The text, shortened by an ellipsis if it is wider than `room` pixels."""
    text = text[:200]
    if face.getlength(text) <= room:
        return text
    while text and face.getlength(text + "…") > room:
        text = text[:-1]
    return f"{text}…" if text else ""
