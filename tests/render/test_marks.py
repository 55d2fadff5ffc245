from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.events import EventTable
from earwitness.render.marks import Marks, separated


def test_marks_are_those_of_the_moment(make_table: Callable[..., EventTable]) -> None:
    marks = Marks(make_table([(5, 3, 0, 20, 1.5, True), (6, 3, 0, 20, 1.5, True), (6, 8, 0, -70, 4, False)]))
    assert [len(marks.at(time)) for time in (0.0, 0.49, 0.5, 0.59, 0.6, 0.65, 0.7, 99.0)] == [0, 0, 1, 1, 2, 2, 0, 0]
    mark = marks.at(0.5)[0]
    assert (mark.sound_class.index, mark.azimuth, mark.distance, mark.onscreen) == (3, 20, 1.5, True)


def test_times_just_below_a_frame_belong_to_it(make_table: Callable[..., EventTable]) -> None:
    marks = Marks(make_table([(3, 0, 0, 0, 1, True)]))
    assert len(marks.at(0.3)) == len(marks.at(0.1 + 0.2)) == len(marks.at(3 * 0.1)) == 1


def test_motion_is_smooth_and_true(make_table: Callable[..., EventTable]) -> None:
    rows = [(f, 0, 0, -30 + 3.0 * f, 1 + 0.1 * f, True) for f in range(20)]
    marks = Marks(make_table(rows))
    times = np.arange(0.35, 1.65, 0.01)
    azimuth = np.array([marks.at(time)[0].azimuth for time in times])
    np.testing.assert_allclose(azimuth, -30 + 3 * (times * 10 - 0.5), atol=0.05)
    assert np.abs(np.diff(azimuth)).max() < 0.4


def test_numbers_on_labels_change_rarely(make_table: Callable[..., EventTable]) -> None:
    marks = Marks(make_table([(f, 0, 0, 2.0 * f, 1, True) for f in range(20)]))
    spoken = [marks.at(f / 10 + 0.05)[0].text_azimuth for f in range(18)]
    assert [len(set(spoken[k : k + 3])) for k in range(0, 18, 3)] == [1] * 6
    assert len(set(spoken)) == 6


def test_jumps_are_not_glided_over(make_table: Callable[..., EventTable]) -> None:
    marks = Marks(make_table([(0, 0, 0, -80, 1, True), (1, 0, 0, 80, 1, True)]))
    assert marks.at(0.09)[0].azimuth == -80
    assert marks.at(0.11)[0].azimuth == 80


def test_unknown_direction_stays_unknown(make_table: Callable[..., EventTable]) -> None:
    marks = Marks(make_table([(f, 0, 0, nan, nan, False) for f in range(5)]))
    mark = marks.at(0.2)[0]
    assert isnan(mark.azimuth)
    assert isnan(mark.distance)


def test_a_source_keeps_its_lane_over_a_short_pause(make_table: Callable[..., EventTable]) -> None:
    rows = [(f, 0, 0, 0.0, 1, True) for f in range(10)]
    rows += [(f, 1, 0, 5.0, 1, True) for f in [*range(2, 8), *range(12, 20)]]
    marks = Marks(make_table(rows))
    assert {mark.sound_class.index: mark.lane for mark in marks.at(0.3)} == {0: 0, 1: 1}
    assert {mark.sound_class.index: mark.lane for mark in marks.at(1.5)} == {1: 1}


def test_sides_have_lanes_of_their_own(make_table: Callable[..., EventTable]) -> None:
    rows = [(0, c, 0, azimuth, 1, False) for c, azimuth in enumerate([0.0, 70.0, -70.0, 10.0, 75.0])]
    lanes = {mark.sound_class.index: mark.lane for mark in Marks(make_table(rows), edge_deg=50).at(0.0)}
    assert lanes == {0: 0, 1: 0, 2: 0, 3: 1, 4: 1}


def test_rows_without_source_numbers_are_told_apart(make_table: Callable[..., EventTable]) -> None:
    rows = [(f, 0, 0, azimuth, 1, True) for f in range(5) for azimuth in (-40.0, 30.0)]
    marks = Marks(make_table(rows))
    assert sorted(mark.azimuth for mark in marks.at(0.2)) == pytest.approx([-40, 30])
    clean = make_table([(0, 0, 0, 1, 1, True), (0, 0, 1, 2, 1, True)])
    assert separated(clean) is clean


ROWS = st.lists(
    st.tuples(st.integers(0, 29), st.integers(0, 12), st.integers(0, 2), st.integers(-90, 90), st.floats(0, 9)),
    max_size=60, unique_by=lambda row: row[:3],
)  # fmt: skip


@given(rows=ROWS)
@settings(deadline=None, max_examples=60)
def test_at_every_moment_lanes_differ_and_values_are_possible(rows: Any) -> None:
    columns = list(zip(*rows, strict=True)) if rows else [[]] * 5
    table = EventTable.from_columns(
        frame=columns[0], class_index=columns[1], source=columns[2], azimuth=columns[3], distance=columns[4],
        num_frames=30,
    )  # fmt: skip
    marks = Marks(table, edge_deg=200)
    for frame in range(30):
        now = marks.at(frame / 10 + 0.03)
        assert len(now) == int((table.frame == frame).sum())
        assert len({mark.lane for mark in now}) == len(now)
        assert all(abs(mark.azimuth) <= 90 and mark.distance >= 0 for mark in now)
