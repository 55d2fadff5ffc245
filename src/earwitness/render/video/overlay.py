"""Marks on the picture: direction, class and distance of each sound."""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw

from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import SoundClass
from earwitness.render.icons import draw_icon
from earwitness.render.marks import Mark
from earwitness.render.sprite import SPRITE_BYTES, RGBArray, Sprite, SpriteCache, smooth_drawing
from earwitness.render.style import INK, SOFT_TEXT, TEXT, Colour, Scale, class_colour, font, place_text

_RING_AT_1M: Final = 30.0
_RING_RANGE: Final = (10.0, 44.0)
_UNKNOWN_DISTANCE_M: Final = 2.5
_LANE_PITCH: Final = 46.0
_BEAM_OPACITY: Final = 0.42
# A little above the middle, where faces are; the bottom is for sources outside the picture.
_HORIZON: Final = 0.45
_PLATE_OPACITY: Final = 0.80
_SCORE_STEPS: Final = 6
_ICON_SHARE: Final = 0.58
"""Of a ring's diameter."""


class Overlay:
    """Draws marks onto pictures of one size.

    A source in view has a beam at its column (the elevation is unknown), a ring whose size decreases with distance,
    and a label. The ring is dashed if the source is within the field of view but off screen. Sources outside the
    picture have an arrow at its edge; those without direction are listed in the corner.
    """

    def __init__(self, width: int, height: int, horizontal_fov_deg: float) -> None:
        """Prepare for pictures of `width` x `height` pixels."""
        self.camera = Camera(width, height, horizontal_fov_deg)
        self.scale = Scale(width, height)
        # Enough for several sprites of each active source, at any picture size.
        self._cache = SpriteCache(max(SPRITE_BYTES, 12 * width * height))

    def draw(self, canvas: RGBArray, marks: list[Mark]) -> None:
        """Draw `marks` onto `canvas` (height, width, 3) in place."""
        placed = [(mark, self._column(mark)) for mark in marks if not isnan(mark.azimuth)]
        for mark, column in placed:
            if self._in_view(column):
                self._beam(canvas, mark, column)
        for mark, column in placed:
            if self._in_view(column):
                self._ring(canvas, mark, column)
            else:
                self._arrow(canvas, mark)
        self._corner(canvas, [mark for mark in marks if isnan(mark.azimuth)])

    def _column(self, mark: Mark) -> float:
        return float(self.camera.column(mark.azimuth))

    def _in_view(self, column: float) -> bool:
        return 0 <= column <= self.camera.width

    def _row(self, mark: Mark, in_view: bool) -> float:
        """Row of a lane: in view around the horizon (0, one up, one down, ...), outside upwards from the bottom."""
        pitch = self.scale.px(_LANE_PITCH)
        if in_view:
            row = self.scale.height * _HORIZON + (mark.lane + 1) // 2 * (-1 if mark.lane % 2 else 1) * pitch
        else:
            # A portrait picture is too narrow for the labels of both sides in one row.
            lane = 2 * mark.lane + (mark.azimuth < 0) if self.scale.portrait else mark.lane
            row = self.scale.height - pitch * (lane + 0.75)
        return float(np.clip(row, pitch / 2, max(pitch / 2, self.scale.height - pitch / 2)))

    def _beam(self, canvas: RGBArray, mark: Mark, column: float) -> None:
        beam = self._cache.get(self._make_beam, mark.sound_class, _step(mark.score))
        beam.blend(canvas, round(column - beam.width / 2), 0)

    def _ring(self, canvas: RGBArray, mark: Mark, column: float) -> None:
        dashed = not mark.onscreen
        radius = self._radius(mark.distance)
        row = self._row(mark, in_view=True)
        self._cache.get(self._make_ring, mark.sound_class, radius, dashed, _step(mark.score)).blend_centred(
            canvas, column, row
        )
        text = place_text(mark.text_azimuth, mark.text_distance)
        chip = self._chip(mark, f"{text} · unseen" if dashed else text)
        gap = radius + self.scale.px(6)
        left = column + gap if column + gap + chip.width <= canvas.shape[1] else column - gap - chip.width
        self._place_chip(canvas, chip, left, row)

    def _arrow(self, canvas: RGBArray, mark: Mark) -> None:
        to_left = mark.azimuth > 0
        row, margin = self._row(mark, in_view=False), self.scale.px(6)
        arrow = self._cache.get(self._make_arrow, mark.sound_class, to_left, _step(mark.score))
        left = margin if to_left else canvas.shape[1] - margin - arrow.width
        arrow.blend(canvas, left, round(row - arrow.height / 2))
        chip = self._chip(mark, place_text(mark.text_azimuth, mark.text_distance))
        gap = margin + arrow.width + self.scale.px(4)
        self._place_chip(canvas, chip, gap if to_left else canvas.shape[1] - gap - chip.width, row)

    def _corner(self, canvas: RGBArray, marks: list[Mark]) -> None:
        margin = top = self.scale.px(8)
        for mark in marks:
            known = "" if isnan(mark.text_distance) else f" · {mark.text_distance:.1f} m"
            chip = self._chip(mark, f"direction unknown{known}")
            chip.blend(canvas, margin, top)
            top += chip.height + self.scale.px(4)

    def _chip(self, mark: Mark, detail: str) -> Sprite:
        return self._cache.get(self._make_chip, mark.sound_class, detail)

    def _place_chip(self, canvas: RGBArray, chip: Sprite, left: float, row: float) -> None:
        left = min(max(left, 0), max(0, canvas.shape[1] - chip.width))
        chip.blend(canvas, round(left), round(row - chip.height / 2))

    def _radius(self, distance: float) -> int:
        metres = _UNKNOWN_DISTANCE_M if isnan(distance) else max(distance, 0.05)
        return self.scale.px(float(np.clip(_RING_AT_1M / sqrt(metres), *_RING_RANGE)))

    def _make_beam(self, sound_class: SoundClass, score_step: int) -> Sprite:
        core, side = self.scale.px(1.2), self.scale.px(7)
        profile = np.concatenate([np.linspace(0, 0.35, side), np.ones(core), np.linspace(0.35, 0, side)])
        fade = np.clip(1.15 - np.abs(np.linspace(-1, 1, self.scale.height)), 0, 1)
        rgba = np.zeros((self.scale.height, profile.size, 4), np.uint8)
        rgba[..., :3] = class_colour(sound_class)
        rgba[..., 3] = np.rint(255 * _BEAM_OPACITY * fade[:, None] * profile[None, :])
        return Sprite.from_image(Image.fromarray(rgba), _opacity(score_step))

    def _make_ring(self, sound_class: SoundClass, radius: int, dashed: bool, score_step: int) -> Sprite:
        stroke, colour = self.scale.px(3), class_colour(sound_class)
        size = 2 * (radius + stroke) + 2

        def draw(drawing: Any, zoom: float) -> None:
            middle = size * zoom / 2
            box = [middle - radius * zoom, middle - radius * zoom, middle + radius * zoom, middle + radius * zoom]
            halo = [box[0] - zoom * stroke / 2, box[1] - zoom * stroke / 2, box[2] + zoom * stroke / 2,
                    box[3] + zoom * stroke / 2]  # fmt: skip
            arcs = [(a, a + 24) for a in range(0, 360, 40)] if dashed else [(0, 360)]
            for start, end in arcs:
                drawing.arc(halo, start, end, fill=(*INK, 150), width=round(zoom * stroke * 1.7))
                drawing.arc(box, start, end, fill=(*colour, 255), width=round(zoom * stroke))
            side = 2 * radius * _ICON_SHARE * zoom
            drawing.ellipse([middle - side * 0.8] * 2 + [middle + side * 0.8] * 2, fill=(*INK, 190))
            draw_icon(drawing, sound_class, middle - side / 2, middle - side / 2, side, (*colour, 255), (*INK, 255))

        return Sprite.from_image(smooth_drawing(size, size, colour, draw), _opacity(score_step))

    def _make_arrow(self, sound_class: SoundClass, to_left: bool, score_step: int) -> Sprite:
        width, height, colour = self.scale.px(20), self.scale.px(32), class_colour(sound_class)

        def draw(drawing: Any, zoom: float) -> None:
            tip, back = (0.06, 0.92) if to_left else (0.94, 0.08)
            points = [(tip, 0.5), (back, 0.04), (back + (tip - back) * 0.28, 0.5), (back, 0.96)]
            drawing.polygon(
                [(x * width * zoom, y * height * zoom) for x, y in points],
                fill=(*colour, 255), outline=(*INK, 200), width=round(zoom * max(1.0, self.scale.unit * 0.8)),
            )  # fmt: skip

        return Sprite.from_image(smooth_drawing(width, height, colour, draw), _opacity(score_step))

    def _make_chip(self, sound_class: SoundClass, detail: str) -> Sprite:
        # Uncertain marks are faint, except for their text.
        return Sprite.from_image(
            chip_image(sound_class.name, detail, class_colour(sound_class), self.scale, sound_class)
        )


def chip_image(
    name: str, detail: str, colour: Colour, scale: Scale, sound_class: SoundClass | None = None
) -> Image.Image:
    """Draw a label: a dark plate with a coloured stripe, the class icon if given, the name and the detail below it."""
    bold, plain = font(scale.px(12), True), font(scale.px(10.5))
    pad, stripe, icon = scale.px(6), scale.px(4), 0 if sound_class is None else scale.px(18)
    text_left = stripe + pad + (icon + pad if icon else 0)
    width = round(text_left + max(bold.getlength(name), plain.getlength(detail)) + pad)
    height = scale.px(36)

    def plate(drawing: Any, zoom: float) -> None:
        box = [0, 0, width * zoom - 1, height * zoom - 1]
        drawing.rounded_rectangle(box, scale.px(5) * zoom, fill=(*INK, round(255 * _PLATE_OPACITY)))
        drawing.rounded_rectangle(
            [0, 0, (stripe + scale.px(5)) * zoom, height * zoom - 1], scale.px(5) * zoom, fill=(*colour, 255)
        )
        drawing.rectangle([stripe * zoom, 0, (stripe + scale.px(5)) * zoom, height * zoom],
                          fill=(*INK, round(255 * _PLATE_OPACITY)))  # fmt: skip
        if sound_class is not None:
            left, top = (stripe + pad) * zoom, (height - icon) / 2 * zoom
            draw_icon(drawing, sound_class, left, top, icon * zoom, (*colour, 255), (*INK, 255))

    image = smooth_drawing(width, height, INK, plate)
    drawing = ImageDraw.Draw(image)
    drawing.text((text_left, height * 0.31), name, font=bold, fill=(*TEXT, 255), anchor="lm")
    drawing.text((text_left, height * 0.72), detail, font=plain, fill=(*SOFT_TEXT, 255), anchor="lm")
    return image


def _step(score: float) -> int:
    """Quantize scores, so that sprites can be reused."""
    return round(score * _SCORE_STEPS)


def _opacity(score_step: int) -> float:
    return 0.6 + 0.4 * score_step / _SCORE_STEPS
