"""The timeline: one lane for each class, one bar for each sound, and a playhead."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.render.icons import RGBArray
from earwitness.render.marks import separated
from earwitness.render.style import (
    PANEL,
    PLATE,
    RULE,
    SOFT_TEXT,
    TEXT,
    Scale,
    clock_text,
    font,
)

WINDOW_SECONDS: Final = 60.0
"""Longer files scroll, with the playhead in the middle of this window."""
_OFFSCREEN_STRENGTH: Final = 0.45
_LANE: Final = 15.0
_AXIS: Final = 16.0
_MOST_ROWS: Final = 3
_STEPS_SECONDS: Final = (1, 2, 5, 10, 20, 30)
_KEPT_TILES: Final = 6


class Timeline:
    """Lanes over time, drawn once in tiles, from which each frame takes its window.

    Attributes:
        width, height: pixels.
    """

    def __init__(self, table: EventTable, duration: float, width: int, scale: Scale) -> None:
        """Prepare a timeline of `width` pixels for a file of `duration` seconds."""
        self._table = separated(table)
        self._vocabulary = table.vocabulary
        self._scale, self.width = scale, width
        self.classes: list[int] = sorted(set(table.class_index.tolist()))
        self._lane, self._axis = scale.px(_LANE), scale.px(_AXIS)
        self.height = self.height_of(table, scale)
        self._label_width = self._labels_width()
        self.plot_width = max(8, width - self._label_width - scale.px(8))
        self.duration = max(duration, 0.1)
        self.window = min(self.duration, WINDOW_SECONDS)
        self.pixels_per_second = self.plot_width / self.window
        self._step = next((s for s in _STEPS_SECONDS if s * self.pixels_per_second >= scale.px(44)), _STEPS_SECONDS[-1])
        self._bars = _bars(self._table)
        self._tiles: dict[int, RGBArray] = {}
        self._frame = self._make_frame()

    @staticmethod
    def height_of(table: EventTable, scale: Scale) -> int:
        """Height of the timeline of a table, pixels."""
        lanes = max(1, np.unique(table.class_index).size)
        return scale.px(_AXIS) + scale.px(_LANE) * lanes + scale.px(2)

    def view_start(self, time: float) -> float:
        """Time at the left edge when the playhead is at `time`, seconds."""
        return float(np.clip(time - self.window / 2, 0.0, self.duration - self.window))

    def playhead(self, time: float) -> int:
        """Column of the playhead, pixels."""
        column = (min(time, self.duration) - self.view_start(time)) * self.pixels_per_second
        return self._label_width + min(self.plot_width - 1, round(column))

    def picture(self, time: float) -> RGBArray:
        """Draw the timeline (height, width, 3) without its playhead."""
        canvas = self._frame.copy()
        first = round(self.view_start(time) * self.pixels_per_second)
        done = 0
        while done < self.plot_width:
            tile, offset = divmod(first + done, self.plot_width)
            part = self._tile(tile)[:, offset : offset + self.plot_width - done]
            left = self._label_width + done
            canvas[:, left : left + part.shape[1]] = part
            done += part.shape[1]
        axis = self._make_axis(self.view_start(time))
        canvas[: axis.shape[0], self._label_width :] = axis
        return canvas

    def draw_playhead(self, canvas: RGBArray, time: float) -> None:
        """Draw the playhead onto the timeline's part of a canvas, in place."""
        column, half = self.playhead(time), self._scale.px(1) - 1
        canvas[self._axis - self._scale.px(5) : self.height, column - half : column + half + 1] = TEXT

    def _labels_width(self) -> int:
        names = font(self._scale.px(9.5))
        widest = max((names.getlength(self._vocabulary[index].name) for index in self.classes), default=0.0)
        return min(round(widest) + self._scale.px(22), self.width // 2)

    def _make_frame(self) -> RGBArray:
        """Draw the static part: the names of the lanes."""
        image = Image.new("RGB", (self.width, self.height), PANEL)
        drawing, names = ImageDraw.Draw(image), font(self._scale.px(9.5))
        for lane, class_index in enumerate(self.classes):
            middle = self._axis + self._lane * (lane + 0.5)
            size = self._scale.px(8)
            one = self._vocabulary[class_index]
            drawing.rectangle([0, middle - size / 2, size - 1, middle + size / 2 - 1], fill=one.rgb)
            drawing.text((size + self._scale.px(6), middle), one.name, font=names, fill=TEXT,
                         anchor="lm")  # fmt: skip
        return np.array(image)

    def _tile(self, number: int) -> RGBArray:
        if number not in self._tiles:
            if len(self._tiles) >= _KEPT_TILES:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[number] = self._make_tile(number)
        return self._tiles[number]

    def _make_tile(self, number: int) -> RGBArray:
        """Draw the columns of a tile, which starts at column number * plot_width."""
        image = Image.new("RGB", (self.plot_width, self.height), PANEL)
        drawing = ImageDraw.Draw(image)
        begin = number * self.window
        self._draw_grid(drawing, begin)
        canvas = np.array(image)
        frames = self._bars[:, 3:5] / FRAME_RATE
        for bar in self._bars[(frames[:, 1] > begin) & (frames[:, 0] < begin + self.window)]:
            self._draw_bar(canvas, bar, begin)
        if not self.classes:
            drawing.text((self._scale.px(6), self._axis + self._lane / 2), "no sound events found",
                         font=font(self._scale.px(9.5)), fill=SOFT_TEXT, anchor="lm")  # fmt: skip
            canvas = np.array(image)
        return canvas

    def _draw_grid(self, drawing: ImageDraw.ImageDraw, begin: float) -> None:
        for lane in range(len(self.classes)):
            top = self._axis + self._lane * lane + 1
            drawing.rectangle([0, top, self.plot_width, top + self._lane - 3], fill=PLATE)
        for tick in self._ticks(begin):
            x = round((tick - begin) * self.pixels_per_second)
            drawing.line([x, self._axis - self._scale.px(3), x, self.height], fill=RULE)

    def _ticks(self, begin: float) -> range:
        """Ticks of the window that starts at `begin`, in whole seconds."""
        step = self._step
        return range(max(0, int(np.ceil(begin / step))) * step, int(min(begin + self.window, self.duration)) + 1, step)

    def _make_axis(self, begin: float) -> RGBArray:
        """Draw the numbers above the lanes; none is cut off."""
        image = Image.new("RGB", (self.width - self._label_width, self._axis - self._scale.px(4)), PANEL)
        drawing, numbers = ImageDraw.Draw(image), font(self._scale.px(8.5))
        for tick in self._ticks(begin):
            text = clock_text(tick)
            half = numbers.getlength(text) / 2
            x = (tick - begin) * self.pixels_per_second
            if begin > 0 and not half <= x <= self.plot_width - half:
                continue
            drawing.text((min(max(x, half), image.width - half), image.height / 2), text, font=numbers,
                         fill=SOFT_TEXT, anchor="mm")  # fmt: skip
        return np.array(image)

    def _draw_bar(self, canvas: RGBArray, bar: NDArray[np.int64], begin: float) -> None:
        class_index, row, rows, start, stop, onscreen = (int(value) for value in bar)
        left = max(0, round((start / FRAME_RATE - begin) * self.pixels_per_second))
        right = max(left + 1, round((stop / FRAME_RATE - begin) * self.pixels_per_second))
        room = self._lane - 4
        top = self._axis + self._lane * self.classes.index(class_index) + 2
        y0, y1 = top + room * row // rows, top + room * (row + 1) // rows
        strength = 1.0 if onscreen else _OFFSCREEN_STRENGTH
        colour = np.array(self._vocabulary[class_index].rgb) * strength + np.array(PLATE) * (1 - strength)
        canvas[y0 : max(y1 - (1 if rows > 1 else 0), y0 + 1), left:right] = colour.astype(np.uint8)


def _bars(table: EventTable) -> NDArray[np.int64]:
    """(n, 6): class, row within the lane, rows of the lane, first frame, frame after the last, on screen."""
    if not len(table):
        return np.zeros((0, 6), np.int64)
    table = table.select(np.lexsort((table.frame, table.source, table.class_index)))
    row, rows = _rows(table)
    keys = np.stack([table.class_index, row, table.onscreen]).astype(np.int64)
    breaks = (np.diff(keys, axis=1) != 0).any(axis=0) | (np.diff(table.frame) != 1)
    starts = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    stops = np.concatenate([starts[1:], [len(table)]]) - 1
    return np.stack(
        [table.class_index[starts], row[starts], rows[starts], table.frame[starts], table.frame[stops] + 1,
         table.onscreen[starts]], axis=1,
    ).astype(np.int64)  # fmt: skip


def _rows(table: EventTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each table row, its row within the lane of its class, and the number of rows of that lane."""
    row, rows = np.zeros(len(table), np.int64), np.ones(len(table), np.int64)
    for class_index in np.unique(table.class_index):
        mine = np.flatnonzero(table.class_index == class_index)
        _, rank = np.unique(table.source[mine], return_inverse=True)
        rows[mine] = min(int(rank.max()) + 1, _MOST_ROWS)
        row[mine] = rank % rows[mine]
    return row, rows
