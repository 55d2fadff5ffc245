from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from earwitness.core.events import EventTable
from earwitness.metrics.matching import event_pairs, match


def reference_matches(cell_r, azimuth_r, cell_p, azimuth_p):
    """SciPy on every cell, in row order."""
    pairs = set()
    for cell in set(cell_r.tolist()) & set(cell_p.tolist()):
        rows, columns = np.flatnonzero(cell_r == cell), np.flatnonzero(cell_p == cell)
        chosen = linear_sum_assignment(np.abs(azimuth_r[rows][:, None] - azimuth_p[columns][None, :]))
        pairs |= set(zip(rows[chosen[0]].tolist(), columns[chosen[1]].tolist(), strict=True))
    return pairs


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 180), st.sampled_from([1.0, 0.1]))
def test_ties_fall_as_scipy_lets_them_fall(data, cells, spread, step):
    """On a line ties are the rule; tenths of a degree cannot be summed exactly, whole degrees can."""
    sides = []
    for _ in range(2):
        rows = data.draw(st.lists(st.tuples(st.integers(0, cells), st.integers(0, spread)), max_size=14))
        array = np.array(rows, dtype=np.int64).reshape(-1, 2)
        sides += [array[:, 0], array[:, 1] * step]
    found = match(*sides)
    pairs = set(zip(found.reference.tolist(), found.prediction.tolist(), strict=True))
    assert pairs == reference_matches(*sides)
    assert sorted([*found.reference.tolist(), *found.missed.tolist()]) == list(range(sides[0].size))
    assert sorted([*found.prediction.tolist(), *found.false_alarms.tolist()]) == list(range(sides[2].size))


def test_nearest_wins_over_order():
    cell = np.zeros(2, dtype=np.int64)
    found = match(cell, np.array([0.0, 50.0]), cell, np.array([48.0, 1.0]))
    assert dict(zip(found.reference.tolist(), found.prediction.tolist(), strict=True)) == {0: 1, 1: 0}


def test_nothing_on_either_side():
    none, some = np.zeros(0, dtype=np.int64), np.array([3])
    assert match(none, np.zeros(0), none, np.zeros(0)).reference.size == 0
    assert match(some, np.zeros(1), none, np.zeros(0)).missed.tolist() == [0]
    assert match(none, np.zeros(0), some, np.zeros(1)).false_alarms.tolist() == [0]


def table(*events: tuple[int, int, int, float, float], frames: int = 50) -> EventTable:
    """Events (class, first frame, end frame, azimuth, distance); events of one class get different sources."""
    columns: dict[str, list[float]] = {name: [] for name in ("frame", "class_index", "source", "azimuth", "distance")}
    for source, (class_index, first, stop, azimuth, distance) in enumerate(events):
        for frame in range(first, stop):
            for name, value in zip(columns, (frame, class_index, source, azimuth, distance), strict=True):
                columns[name].append(value)
    return EventTable.from_columns(**columns, num_frames=frames)


def test_an_event_is_paired_with_the_source_it_shares_half_its_rows_with() -> None:
    true = table((3, 10, 20, 40, 2))
    pairs = event_pairs([true], [table((3, 5, 20, 30, 1))])
    assert (pairs.azimuth.tolist(), pairs.distance.tolist(), pairs.overlap.tolist()) == ([40], [2], [1])
    assert len(event_pairs([true], [table((3, 0, 19, 30, 1))])) == 0  # 9 of 19 rows
    assert len(event_pairs([true], [table((4, 10, 20, 40, 2))])) == 0  # another class
    assert len(event_pairs([EventTable.empty(50)], [table((3, 0, 9, 30, 1))])) == 0


def test_two_sources_of_a_class_are_told_apart_by_azimuth() -> None:
    true = table((3, 0, 20, -40, 2), (3, 0, 20, 40, 4), (7, 10, 20, 0, 1))
    predicted = table((3, 0, 20, 30, 1), (3, 5, 15, -60, 1))
    pairs = event_pairs([EventTable.empty(50), true], [EventTable.empty(50), predicted])
    assert pairs.clip.tolist() == [1, 1]
    assert pairs.event.tolist() == [0, 1]
    assert pairs.azimuth.tolist() == [40, -40]
    assert pairs.distance.tolist() == [4, 2]
    assert pairs.overlap.tolist() == [3, 3]  # 2.5 on average


def test_events_without_direction_are_left_out() -> None:
    true = table((3, 0, 20, -40, 2))
    assert len(event_pairs([true], [true.with_columns(azimuth=np.nan)])) == 0
    assert len(event_pairs([true.with_columns(distance=np.nan)], [true])) == 0
