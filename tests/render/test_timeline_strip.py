from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.core.vocabulary import CLASSES
from earwitness.render.style import Scale
from earwitness.render.video.timeline_strip import WINDOW_SECONDS, Timeline

SCALE = Scale(640, 360)


def columns_of(picture: np.ndarray, class_index: int, left: int) -> np.ndarray:
    same = np.abs(picture[:, left:].astype(int) - CLASSES[class_index].rgb).sum(axis=2) < 12
    return np.flatnonzero(same.any(axis=0))


def plot_left(timeline: Timeline) -> int:
    return timeline.playhead(0.0)


def test_bars_stand_at_their_times(make_table: Callable[..., EventTable]) -> None:
    table = make_table([(f, 2, 0, 0, 1, True) for f in range(30, 50)], num_frames=100)
    timeline = Timeline(table, 10.0, 500, SCALE)
    columns = columns_of(timeline.picture(0.0), 2, plot_left(timeline)) / timeline.pixels_per_second
    assert columns.min() == pytest.approx(3.0, abs=0.05)
    assert columns.max() == pytest.approx(5.0, abs=0.05)


def test_outside_the_picture_is_paler(make_table: Callable[..., EventTable]) -> None:
    table = make_table([(f, 2, 0, 0, 1, f < 40) for f in range(30, 50)], num_frames=100)
    timeline = Timeline(table, 10.0, 500, SCALE)
    columns = columns_of(timeline.picture(0.0), 2, plot_left(timeline)) / timeline.pixels_per_second
    assert columns.max() == pytest.approx(4.0, abs=0.05)


def test_same_class_sources_have_rows(make_table: Callable[..., EventTable]) -> None:
    rows = [(f, 2, source, 0, 1, True) for f in range(100) for source in (0, 1)]
    timeline = Timeline(make_table(rows, num_frames=100), 10.0, 500, SCALE)
    column = timeline.picture(0.0)[:, plot_left(timeline) + 100].astype(int)
    same = np.flatnonzero(np.abs(column - CLASSES[2].rgb).sum(axis=1) < 12)
    assert np.count_nonzero(np.diff(same) > 1) == 1


def test_the_playhead_crosses_a_short_file(make_table: Callable[..., EventTable]) -> None:
    timeline = Timeline(make_table([], num_frames=50), 5.0, 500, SCALE)
    positions = [timeline.playhead(time) for time in (0.0, 2.5, 5.0, 7.0)]
    assert positions[0] + timeline.plot_width / 2 == pytest.approx(positions[1], abs=1)
    assert positions[2] == positions[3] == positions[0] + timeline.plot_width - 1
    canvas = np.zeros((timeline.height, timeline.width, 3), np.uint8)
    timeline.draw_playhead(canvas, 2.5)
    assert set(np.flatnonzero(canvas.any(axis=(0, 2)))) == {positions[1]}


def test_long_files_scroll(make_table: Callable[..., EventTable]) -> None:
    table = make_table([(f, 2, 0, 0, 1, True) for f in range(3000, 3020)], num_frames=6000)
    timeline = Timeline(table, 600.0, 500, SCALE)
    assert timeline.window == WINDOW_SECONDS
    left = plot_left(timeline)
    assert columns_of(timeline.picture(200.0), 2, left).size == 0
    middle = timeline.playhead(300.0) - left
    assert middle == pytest.approx(timeline.plot_width / 2, abs=1)
    for time in (280.0, 300.0, 310.0):
        columns = columns_of(timeline.picture(time), 2, left)
        expected = (300.0 - timeline.view_start(time)) * timeline.pixels_per_second
        assert columns.min() == pytest.approx(expected, abs=1.5)
    assert timeline.playhead(600.0) - left == timeline.plot_width - 1


def test_every_class_has_a_lane(make_table: Callable[..., EventTable]) -> None:
    table = make_table([(0, c, 0, 0, 1, True) for c in range(13)], num_frames=50)
    timeline = Timeline(table, 5.0, 500, SCALE)
    assert timeline.classes == list(range(13))
    assert timeline.height == Timeline.height_of(table, SCALE)
    picture = timeline.picture(0.0).astype(int)
    rows = [np.flatnonzero((np.abs(picture - CLASSES[c].rgb).sum(axis=2) < 12).any(axis=1)).mean() for c in range(13)]
    assert rows == sorted(rows)


def test_nothing_found_says_so(make_table: Callable[..., EventTable]) -> None:
    timeline = Timeline(make_table([], num_frames=50), 5.0, 500, SCALE)
    assert len(np.unique(timeline.picture(1.0).reshape(-1, 3), axis=0)) > 5
