"""Markers on the picture: a frame or a line for each source, and a label beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np

from earwitness.core.geometry import Camera
from earwitness.render.icons import SPRITE_BYTES, RGBArray, Sprite, SpriteCache
from earwitness.render.marks import Mark
from earwitness.render.style import INK, Colour, Scale
from earwitness.render.video import MarkerStyle
from earwitness.render.video.placement import LabelPlacer, LabelRequest, Obstacles, PlacedLabel, Rect, Side
from earwitness.render.video.text_plates import STYLES, Arrow, LabelForms
from earwitness.render.video.visible_objects import Box, body, face, free_area

_ROW_OF: Final = {"mouth": 0.5, "hands": 0.5, "feet": 0.95, "": 0.5}
"""Height of the sounding part: for the mouth within the face, otherwise within the box."""
_SIDE_ROW: Final = 0.62
"""Preferred height of labels at the sides: below most faces, above captions."""
_CORNER_SHARE: Final = 0.28
CAPTION_AREA: Final = (0.04, 0.79, 0.96, 0.97)
"""Where players and broadcasters show captions, as shares of the picture."""
_FRAME_OPACITY: Final = 0.95
_LINE_OPACITY: Final = 0.6
_HALO_OPACITY: Final = 0.35


@dataclass(frozen=True, slots=True)
class Sight:
    """What is visible at a time.

    Attributes:
        boxes: the box of each mark's source, as shares of the picture; None where it is unknown.
        people: boxes of all people.
    """

    boxes: tuple[Box | None, ...]
    people: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A marker to draw: the box of its source, or its column, or neither."""

    mark: Mark
    side: Side
    near: Rect
    row: float
    forms: tuple[Sprite, ...]


class Overlay:
    """Draws markers onto pictures of one size.

    A source with a box has a frame of corners around it, and a label beside it at the height of the sounding part. A
    source in view without a box has a thin line at its column, because the elevation is unknown, and a label at the
    upper or lower edge; the line is dashed if the source is off screen. Other sources have an arrow at the left or
    right edge; those without direction are listed in a corner. Nothing is drawn onto faces, and `LabelPlacer` keeps
    labels apart.

    Attributes:
        shown: labels drawn so far, counted for each picture.
        left_out: labels for which there was no room.
    """

    def __init__(
        self,
        width: int,
        height: int,
        horizontal_fov_deg: float,
        style: MarkerStyle = "clean",
        content: tuple[float, float] = (0.0, 1.0),
        *,
        captions: bool = False,
    ) -> None:
        """Prepare for pictures.

        Args:
            width, height: size, pixels.
            horizontal_fov_deg: field of view of the whole width.
            style: the style.
            content: left and right edge of the area without black bars, as shares of the width.
            captions: whether to keep the area of captions free.
        """
        self.camera = Camera(width, height, horizontal_fov_deg)
        self.scale = Scale(width, height)
        self._style, self._content = STYLES[style], (content[0] * width, content[1] * width)
        # Enough for several sprites of each active source, at any picture size.
        self._forms = LabelForms(self._style, self.scale, SpriteCache(max(SPRITE_BYTES, 12 * width * height)))
        margin_x, margin_y = (max(1, round(self._style.margin * side)) for side in (width, height))
        self._picture = Rect(0, 0, width, height)
        self._placer = LabelPlacer(Rect(margin_x, margin_y, width - margin_x, height - margin_y), self.scale.px(5))
        self._reserved = (self._pixels(CAPTION_AREA),) if captions else ()
        self.shown = self.left_out = 0

    def draw(self, canvas: RGBArray, marks: list[Mark], time: float = 0.0, sight: Sight | None = None) -> None:
        """Draw `marks` at `time` (seconds) onto `canvas` (height, width, 3) in place."""
        sight = sight or Sight((None,) * len(marks))
        aspect = self.scale.width / self.scale.height
        faces = tuple(self._pixels(face(box, aspect)) for box in sight.people)
        drawn = [self._marker(mark, box, aspect) for mark, box in zip(marks, sight.boxes, strict=True)]
        drawn.sort(key=lambda one: ("beside", "column", "left", "right", "corner").index(one.side))
        sources = tuple(one.near for one in drawn if one.side == "beside")
        around = (free_area(face(box, aspect)) for box in sight.people)
        bodies = tuple(self._pixels(box) for box in (*(body(box, aspect) for box in sight.people), *around))
        placed, left_out = self._placer.place(
            [self._request(one) for one in drawn], Obstacles(faces, sources, bodies, self._reserved), time
        )
        self.shown, self.left_out = self.shown + len(placed), self.left_out + len(left_out)
        labels = {label.request.key: label for label in placed}
        never = [*faces, *(label.rect for label in placed)]
        for one in drawn:
            label = labels.get(_key(one.mark))
            if one.side == "beside":
                self._frame(canvas, one, label, never)
            elif one.side == "column":
                self._line(canvas, one, label, [*never, *sources])
        for one in drawn:
            label = labels.get(_key(one.mark))
            if label is not None:
                one.forms[label.form].blend(canvas, label.rect.left, label.rect.top)

    def _marker(self, mark: Mark, box: Box | None, aspect: float) -> _Drawn:
        column = float(self.camera.column(mark.azimuth))
        in_view = not isnan(column) and self._content[0] <= column <= self._content[1]
        arrow: Arrow = ""
        side: Side
        if box is not None:
            upper = face(box, aspect) if mark.sound_class.made_by == "mouth" else box
            row = (upper[1] + _ROW_OF[mark.sound_class.made_by] * (upper[3] - upper[1])) * self.scale.height
            return _Drawn(mark, "beside", self._pixels(box), row, self._forms.forms(mark, arrow, False))
        if isnan(mark.azimuth):
            side, near = "corner", Rect(0, 0, 0, 0)
        elif in_view:
            side, near = "column", Rect(round(column), 0, round(column), self.scale.height)
        else:
            side = arrow = "left" if mark.azimuth > 0 else "right"
            edge = 0 if side == "left" else self.scale.width
            near = Rect(edge, 0, edge, self.scale.height)
        forms = self._forms.forms(mark, arrow, hidden=side == "column" and not mark.onscreen)
        return _Drawn(mark, side, near, _SIDE_ROW * self.scale.height, forms)

    def _request(self, one: _Drawn) -> LabelRequest:
        sizes = tuple((form.width, form.height) for form in one.forms)
        return LabelRequest(_key(one.mark), sizes, one.side, one.near, one.row)

    def _pixels(self, box: Box) -> Rect:
        width, height = self.scale.width, self.scale.height
        left, top, right, bottom = box
        return Rect(
            int(left * width), int(top * height), int(np.ceil(right * width)), int(np.ceil(bottom * height))
        )  # fmt: skip

    def _frame(self, canvas: RGBArray, one: _Drawn, label: PlacedLabel | None, never: Sequence[Rect]) -> None:
        """Draw the corners of a box, just outside it, and the connection to its label."""
        stroke = self.scale.px(self._style.stroke)
        near = one.near
        outer = near.grown(stroke + self.scale.px(2))
        outer = Rect(max(outer.left, 0), max(outer.top, 0), min(outer.right, self._picture.right),
                     min(outer.bottom, self._picture.bottom))  # fmt: skip
        reach_x, reach_y = (
            max(stroke, min(round(_CORNER_SHARE * side), self.scale.px(16)))
            for side in (outer.right - outer.left, outer.bottom - outer.top)
        )
        lines = []
        for x, reach_from in ((outer.left, outer.left), (outer.right - stroke, outer.right - reach_x)):
            for y, reach_top in ((outer.top, outer.top), (outer.bottom - stroke, outer.bottom - reach_y)):
                lines += [
                    Rect(reach_from, y, reach_from + reach_x, y + stroke),
                    Rect(x, reach_top, x + stroke, reach_top + reach_y),
                ]
        if label is not None:
            lines += _connection(label.rect, outer, one.row, self.scale.px(1))
        self._draw_lines(canvas, lines, one.mark, never, _FRAME_OPACITY)

    def _line(self, canvas: RGBArray, one: _Drawn, label: PlacedLabel | None, never: Sequence[Rect]) -> None:
        """Draw the column of a source, and the connection to its label."""
        width = self.scale.px(self._style.stroke * 0.8)
        left = min(max(one.near.left - width // 2, 0), self.scale.width - width)
        line = Rect(left, 0, left + width, self.scale.height)
        lines = [line]
        if not one.mark.onscreen:
            dash = self.scale.px(7)
            lines = [Rect(left, top, left + width, top + dash) for top in range(0, self.scale.height, 2 * dash)]
        if label is not None:
            lines += _connection(label.rect, line, (label.rect.top + label.rect.bottom) / 2, self.scale.px(1))
        self._draw_lines(canvas, lines, one.mark, never, _LINE_OPACITY)

    @staticmethod
    def _draw_lines(canvas: RGBArray, lines: list[Rect], mark: Mark, never: Sequence[Rect], opacity: float) -> None:
        certain = 0.6 + 0.4 * mark.score
        for line in lines:
            for part in line.grown(1).without(never):
                _fill(canvas, part, INK, _HALO_OPACITY * certain)
        for line in lines:
            for part in line.without(never):
                _fill(canvas, part, mark.sound_class.rgb, opacity * certain)


def _key(mark: Mark) -> tuple[int, int, int]:
    return mark.sound_class.index, mark.source, mark.lane


def _connection(label: Rect, to: Rect, row: float, width: int) -> list[Rect]:
    """A horizontal or vertical line, or both, from a label to a rectangle."""
    middle = round(min(max(row, label.top), label.bottom - width))
    from_x = label.right if label.right <= to.left else label.left
    to_x = to.left if label.right <= to.left else to.right
    if label.right <= to.left or label.left >= to.right:  # beside
        lines = [Rect(min(from_x, to_x), middle, max(from_x, to_x), middle + width)]
        if not to.top <= middle < to.bottom:
            edge = to.top if middle < to.top else to.bottom
            lines.append(Rect(to_x, min(middle, edge), to_x + width, max(middle, edge)))
        return lines
    column = round((max(label.left, to.left) + min(label.right, to.right)) / 2)
    if label.bottom <= to.top:
        return [Rect(column, label.bottom, column + width, to.top)]
    if label.top >= to.bottom:
        return [Rect(column, to.bottom, column + width, label.top)]
    return []


def _fill(canvas: RGBArray, rect: Rect, colour: Colour, opacity: float) -> None:
    """Blend a rectangle of one colour onto `canvas` in place."""
    spot = canvas[max(rect.top, 0) : max(rect.bottom, 0), max(rect.left, 0) : max(rect.right, 0)]
    weight = round(256 * min(opacity, 1.0))
    mixed = spot.astype(np.uint16) * np.uint16(256 - weight) + np.array(colour, np.uint16) * np.uint16(weight)
    spot[...] = mixed >> 8
