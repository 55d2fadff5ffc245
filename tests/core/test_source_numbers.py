from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.core.source_numbers import MOST_AT_ONCE, separate_sources


def table_of(rows: Sequence[tuple[int, int, int, float]]) -> EventTable:
    frame, class_index, source, azimuth = zip(*rows, strict=True) if rows else ((), (), (), ())
    return EventTable.from_columns(
        frame=frame, class_index=class_index, source=source, azimuth=azimuth, distance=[1.0] * len(rows), num_frames=100
    )


def directions(table: EventTable) -> dict[int, list[float]]:
    """Directions of each source number, in order of time."""
    return {int(number): table.azimuth[table.source == number].tolist() for number in np.unique(table.source)}


def test_two_men_of_one_number_are_two_men() -> None:
    rows = [(frame, 1, 0, azimuth) for frame in range(30) for azimuth in (40.0, -40.0)]
    separated = separate_sources(table_of(rows))
    assert directions(separated) == {0: [40.0] * 30, 1: [-40.0] * 30}
    assert sorted(event.azimuth for event in separated.events()) == [-40.0, 40.0]


def test_each_is_followed_by_direction_whatever_the_order_of_rows() -> None:
    rows: list[tuple[int, int, int, float]] = []
    for frame in range(20):
        pair = [(frame, 1, 0, 60.0 - frame), (frame, 1, 0, -60.0 + frame)]
        rows += pair if frame % 2 else pair[::-1]
    followed = directions(separate_sources(table_of(rows)))
    assert sorted(followed.values()) == [[-60.0 + f for f in range(20)], [60.0 - f for f in range(20)]]


def test_a_pause_of_one_does_not_confuse_the_other() -> None:
    rows = [(f, 1, 0, 40.0) for f in range(30)] + [(f, 1, 0, -40.0) for f in [*range(10), *range(20, 30)]]
    followed = directions(separate_sources(table_of(rows)))
    assert followed == {0: [40.0] * 30, 1: [-40.0] * 20}


def test_a_jump_begins_another_source() -> None:
    rows = [(f, 1, 0, 80.0) for f in range(10)] + [(f, 1, 0, -10.0) for f in range(20)]
    rows += [(f, 1, 0, -80.0) for f in range(10, 20)]
    followed = directions(separate_sources(table_of(rows)))
    assert sorted(followed.values()) == [[-80.0] * 10, [-10.0] * 20, [80.0] * 10]


def test_numbers_in_use_are_left_alone() -> None:
    rows = [(f, 1, 3, 40.0) for f in range(5)] + [(f, 1, 3, -40.0) for f in range(5)]
    rows += [(f, 1, 0, 0.0) for f in range(5)] + [(f, 2, 0, 10.0) for f in range(5)]
    separated = separate_sources(table_of(rows))
    assert directions(separated.select(separated.class_index == 1)) == {0: [0.0] * 5, 1: [-40.0] * 5, 3: [40.0] * 5}
    assert directions(separated.select(separated.class_index == 2)) == {0: [10.0] * 5}


def test_nothing_ambiguous_is_returned_as_it_is() -> None:
    table = table_of([(0, 1, 0, 40.0), (0, 1, 1, 40.0), (1, 1, 0, -40.0)])
    assert separate_sources(table) is table
    assert separate_sources(table_of([])).num_frames == 100


def test_sounds_without_direction_are_followed_too() -> None:
    rows = [(f, 1, 0, float("nan")) for f in range(4) for _ in range(2)]
    separated = separate_sources(table_of(rows))
    assert np.unique(separated.source).tolist() == [0, 1]
    assert len(separated.events()) == 2


def test_a_flood_is_refused() -> None:
    with pytest.raises(LabelError, match=r"frame 7 holds 101 sounds of class 2 and source 5"):
        separate_sources(table_of([(7, 2, 5, 0.0)] * (MOST_AT_ONCE + 1)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 2), st.integers(-90, 90)), max_size=40))
def test_every_table_becomes_unique_and_keeps_its_rows(rows: list[tuple[int, int, int, float]]) -> None:
    table = table_of(rows)
    separated = separate_sources(table)
    keys = list(zip(separated.frame.tolist(), separated.class_index.tolist(), separated.source.tolist(), strict=True))
    assert len(set(keys)) == len(keys)
    for one, other in ((table, separated), (separated, table)):
        left = sorted(zip(one.frame.tolist(), one.class_index.tolist(), one.azimuth.tolist(), strict=True))
        right = sorted(zip(other.frame.tolist(), other.class_index.tolist(), other.azimuth.tolist(), strict=True))
        assert left == right
