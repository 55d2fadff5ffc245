"""The panel below the picture: timeline, and radar, a view from above with the camera at the bottom."""

from __future__ import annotations

from math import cos, isnan, radians, sin, sqrt
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw

from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.core.vocabulary import SoundClass
from earwitness.render.icons import RGBArray, Sprite, SpriteCache, smooth_drawing
from earwitness.render.marks import Mark
from earwitness.render.style import INK, PANEL, PLATE, RULE, SOFT_TEXT, Scale, font
from earwitness.render.video.timeline_strip import Timeline

RINGS_M: Final = (1.0, 2.0, 5.0)
RANGE_M: Final = 8.0
"""Sources farther away are drawn at the rim."""
_FOOT: Final = 16.0


class Radar:
    """A half disc, seen from above.

    Attributes:
        width, height: pixels.
    """

    def __init__(self, width: int, scale: Scale, horizontal_fov_deg: float, *, key: bool = True) -> None:
        """Prepare a radar of `width` pixels; `key` adds a legend for full and hollow dots."""
        self._scale, self._fov, self._key = scale, horizontal_fov_deg, key
        self._margin = scale.px(9)
        self.radius = width / 2 - self._margin
        self.width, self.height = width, round(self.radius + self._margin + scale.px(_FOOT))
        self._ground = self._make_ground()
        self._cache = SpriteCache()

    def position(self, azimuth: float, distance: float) -> tuple[float, float]:
        """Column and row (pixels) of a source, at most at the rim.

        The radius grows with the square root of the distance, which gives near sources more room.
        """
        reach = self.radius * min(1.0, sqrt(max(distance, 0.0) / RANGE_M))
        x, y = self._camera
        return x - reach * sin(radians(azimuth)), y - reach * cos(radians(azimuth))

    def picture(self, marks: list[Mark]) -> RGBArray:
        """Draw the radar (height, width, 3) with `marks`; sources of unknown distance are rays."""
        canvas = self._ground.copy()
        for mark in marks:
            if isnan(mark.azimuth):
                continue
            if isnan(mark.distance):
                self._cache.get(self._make_ray, mark.sound_class, round(mark.azimuth)).blend(canvas, 0, 0)
            else:
                dot = self._cache.get(self._make_dot, mark.sound_class, mark.onscreen)
                dot.blend_centred(canvas, *self.position(mark.azimuth, mark.distance))
        return canvas

    @property
    def _camera(self) -> tuple[float, float]:
        return self.width / 2, self._margin + self.radius

    def _make_ground(self) -> RGBArray:
        x, y = self._camera

        def draw(drawing: Any, zoom: float) -> None:
            def box(r: float) -> list[float]:
                return [(x - r) * zoom, (y - r) * zoom, (x + r) * zoom, (y + r) * zoom]

            line = round(zoom * max(1.0, 0.8 * self._scale.unit))
            drawing.pieslice(box(self.radius), 180, 360, fill=(*PLATE, 255), outline=(*RULE, 255), width=line)
            drawing.pieslice(box(self.radius), 270 - self._fov / 2, 270 + self._fov / 2, fill=(255, 255, 255, 26))
            for metres in RINGS_M:
                drawing.arc(box(self.radius * sqrt(metres / RANGE_M)), 180, 360, fill=(*RULE, 255), width=line)
            camera = self._scale.px(5)
            drawing.pieslice(box(camera), 180, 360, fill=(225, 230, 236, 255))

        image = smooth_drawing(self.width, self.height, PLATE, draw)
        canvas = np.empty((self.height, self.width, 3), np.uint8)
        canvas[:] = PANEL
        Sprite.from_image(image).blend(canvas, 0, 0)
        return self._with_numbers(canvas)

    def _with_numbers(self, canvas: RGBArray) -> RGBArray:
        image = Image.fromarray(canvas)
        drawing, small = ImageDraw.Draw(image), font(self._scale.px(8.5))
        x, y = self._camera
        for metres in RINGS_M:
            at = (x + self.radius * sqrt(metres / RANGE_M), y + self._scale.px(7))
            drawing.text(
                at,
                f"{metres:.0f} m" if metres == RINGS_M[-1] else f"{metres:.0f}",
                font=small,
                fill=SOFT_TEXT,
                anchor="mm",
            )
        canvas = np.array(image)
        if self._key:
            self._make_key().blend(canvas, self._scale.px(2), 0)
        return canvas

    def _make_key(self) -> Sprite:
        """The legend of full and hollow dots."""
        size, small = self._scale.px(4), font(self._scale.px(8.5))

        def draw(drawing: Any, zoom: float) -> None:
            for row, full in enumerate((True, False)):
                x, y = size, self._scale.px(7 + 12 * row)
                for r, fill in ((size, SOFT_TEXT), (size * 0.5, SOFT_TEXT if full else PANEL)):
                    drawing.ellipse([(x - r) * zoom, (y - r) * zoom, (x + r) * zoom, (y + r) * zoom], fill=(*fill, 255))

        image = smooth_drawing(self.width, self.height, SOFT_TEXT, draw)
        drawing = ImageDraw.Draw(image)
        for row, text in enumerate(("in picture", "outside")):
            drawing.text((self._scale.px(13), self._scale.px(7 + 12 * row)), text, font=small, fill=(*SOFT_TEXT, 255),
                         anchor="lm")  # fmt: skip
        return Sprite.from_image(image)

    def _make_dot(self, sound_class: SoundClass, onscreen: bool) -> Sprite:
        radius, colour = self._scale.px(5), sound_class.rgb
        size = 2 * radius + 4

        def draw(drawing: Any, zoom: float) -> None:
            def disc(r: float, fill: tuple[int, int, int, int]) -> None:
                drawing.ellipse([(size / 2 - r) * zoom, (size / 2 - r) * zoom, (size / 2 + r) * zoom,
                                 (size / 2 + r) * zoom], fill=fill)  # fmt: skip

            disc(radius + 1.5, (*INK, 220))
            disc(radius, (*colour, 255))
            if not onscreen:
                disc(radius * 0.5, (*INK, 255))

        return Sprite.from_image(smooth_drawing(size, size, colour, draw))

    def _make_ray(self, sound_class: SoundClass, azimuth: int) -> Sprite:
        colour = sound_class.rgb

        def draw(drawing: Any, zoom: float) -> None:
            ends = [self._camera, self.position(azimuth, RANGE_M)]
            drawing.line([(a * zoom, b * zoom) for a, b in ends], fill=(*colour, 255),
                         width=round(zoom * self._scale.px(2)))  # fmt: skip

        return Sprite.from_image(smooth_drawing(self.width, self.height, colour, draw))


_RADAR_WIDTH: Final = 210.0
_RADAR_SHARE: Final = 0.36
_NARROW: Final = 220.0


class Panel:
    """Radar beside the timeline, or above it if the picture is narrow.

    Attributes:
        width, height: pixels; the height is even and depends on how many classes occur.
    """

    def __init__(
        self, table: EventTable, duration: float, scale: Scale, horizontal_fov_deg: float, *, key: bool = True
    ) -> None:
        """Prepare a panel as wide as the picture; `key` adds a legend for off-screen sources."""
        margin = scale.px(8)
        self.width = scale.width
        radar_width = min(scale.px(_RADAR_WIDTH), self.width - 2 * margin)
        stacked = scale.portrait or self.width - radar_width - 3 * margin < scale.px(_NARROW)
        if not stacked:
            # Many lanes make the panel high, so that there is room for a wider radar.
            lanes = Timeline.height_of(table, scale)
            radar_width = max(radar_width, min(2 * (lanes - scale.px(20)), round(self.width * _RADAR_SHARE)))
        self.radar = Radar(radar_width, scale, horizontal_fov_deg, key=key)
        if stacked:
            self.timeline = Timeline(table, duration, self.width - 2 * margin, scale)
            self._radar_at = (margin, (self.width - radar_width) // 2)
            self._timeline_at = (2 * margin + self.radar.height, margin)
            height = self._timeline_at[0] + self.timeline.height + margin
        else:
            left = 2 * margin + radar_width
            self.timeline = Timeline(table, duration, self.width - left - margin, scale)
            height = max(self.radar.height, self.timeline.height) + 2 * margin
            self._radar_at = ((height - self.radar.height) // 2, margin)
            self._timeline_at = ((height - self.timeline.height) // 2, left)
        self.height = height // 2 * 2
        self._rule = scale.px(1)
        self._frame, self._ground = -1, np.zeros((0, 0, 3), np.uint8)

    def draw(self, canvas: RGBArray, marks: list[Mark], time: float) -> None:
        """Draw the panel onto its part (height, width, 3) of a canvas, in place.

        Only the playhead moves with every frame; everything else changes ten times a second, as the labels do.
        """
        frame = int(time * FRAME_RATE + 1e-6)
        if frame != self._frame:
            self._ground, self._frame = self._make_ground(marks, frame / FRAME_RATE), frame
        canvas[...] = self._ground
        top, left = self._timeline_at
        scrolls = self.timeline.duration > self.timeline.window
        part = canvas[top : top + self.timeline.height, left : left + self.timeline.width]
        self.timeline.draw_playhead(part, frame / FRAME_RATE if scrolls else time)

    def _make_ground(self, marks: list[Mark], time: float) -> RGBArray:
        ground = np.empty((self.height, self.width, 3), np.uint8)
        ground[:] = PANEL
        ground[: self._rule] = RULE
        for (top, left), part in (
            (self._radar_at, self.radar.picture(marks)),
            (self._timeline_at, self.timeline.picture(time)),
        ):
            # Rounding to an even height removes a row of the margin at most.
            ground[top : top + part.shape[0], left : left + part.shape[1]] = part
        return ground
