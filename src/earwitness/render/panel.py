"""The panel below the picture: radar and timeline."""

from __future__ import annotations

from typing import Final

import numpy as np

from earwitness.events import FRAME_RATE, EventTable
from earwitness.render.marks import Mark
from earwitness.render.radar import Radar
from earwitness.render.sprite import RGBArray
from earwitness.render.style import PANEL, RULE, Scale
from earwitness.render.timeline import Timeline

_RADAR_WIDTH: Final = 210.0
_RADAR_SHARE: Final = 0.36
_NARROW: Final = 220.0


class Panel:
    """Radar beside the timeline, or above it below a narrow picture.

    Attributes:
        width, height: pixels; the height is even and depends on how many classes occur.
    """

    def __init__(
        self, table: EventTable, duration: float, scale: Scale, horizontal_fov_deg: float, *, key: bool = True
    ) -> None:
        """Prepare a panel as wide as the picture; `key` explains how being outside the picture is shown."""
        margin = scale.px(8)
        self.width = scale.width
        radar_width = min(scale.px(_RADAR_WIDTH), self.width - 2 * margin)
        stacked = scale.portrait or self.width - radar_width - 3 * margin < scale.px(_NARROW)
        if not stacked:
            # Many lanes make the panel high; then the radar may be wide.
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

        Only the playhead moves with every picture; the rest changes ten times a second, as labels do.
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
            # An even height may cost the last row of the margin, never of a part.
            ground[top : top + part.shape[0], left : left + part.shape[1]] = part
        return ground
