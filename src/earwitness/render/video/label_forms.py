"""Labels of sources, in forms from complete to short, and the two styles of annotated videos."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any, Final, Literal

from PIL import Image, ImageDraw

from earwitness.core.vocabulary import SoundClass
from earwitness.render.icons import draw_icon
from earwitness.render.marks import Mark
from earwitness.render.sprite import Sprite, SpriteCache, smooth_drawing
from earwitness.render.style import INK, SOFT_TEXT, TEXT, Scale, class_colour, direction_text, font, place_text
from earwitness.render.video import MarkerStyle

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
        colour, left = class_colour(sound_class), head if arrow == "left" else 0

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
