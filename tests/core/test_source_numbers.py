from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import LabelError
from earwitness.core.events import COLUMNS, EventTable
from earwitness.core.source_numbers import MOST_AT_ONCE, link_sources, separate_sources

ROWS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 2), st.integers(-90, 90)), max_size=40)
"""Frame, class, source and azimuth."""


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
    with pytest.raises(LabelError, match=r"frame 7 has 101 rows of class 2 and source 5"):
        separate_sources(table_of([(7, 2, 5, 0.0)] * (MOST_AT_ONCE + 1)))


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_every_table_becomes_unique_and_keeps_its_rows(rows: list[tuple[int, int, int, float]]) -> None:
    table = table_of(rows)
    separated = separate_sources(table)
    keys = list(zip(separated.frame.tolist(), separated.class_index.tolist(), separated.source.tolist(), strict=True))
    assert len(set(keys)) == len(keys)
    for one, other in ((table, separated), (separated, table)):
        left = sorted(zip(one.frame.tolist(), one.class_index.tolist(), one.azimuth.tolist(), strict=True))
        right = sorted(zip(other.frame.tolist(), other.class_index.tolist(), other.azimuth.tolist(), strict=True))
        assert left == right


class TestLinkSources:
    def test_sources_keep_their_numbers_when_they_swap_places_in_the_table(self) -> None:
        rows = [(f, 0, f % 2, a) for f in range(6) for a in ((-40, 40) if f % 2 else (40, -40))]
        rows = [(f, c, i % 2, a) for i, (f, c, _, a) in enumerate(rows)]
        linked = link_sources(table_of(rows))
        first = linked.azimuth[linked.source == 0]
        assert len(first) == 6
        assert len(set(first.tolist())) == 1

    def test_crossing_paths_follow_the_smaller_change(self) -> None:
        rows = [(f, 3, s, a) for f in range(9) for s, a in enumerate(sorted((-40 + 9 * f, 41 - 9 * f)))]
        linked = link_sources(table_of(rows))
        for source in (0, 1):
            path = linked.azimuth[linked.source == source]
            assert np.abs(np.diff(path)).max() <= 9

    def test_total_change_decides_not_the_nearest_first(self) -> None:
        # Greedy matching would give 0 -> 10 (change 10) and leave 12 -> 30; the total is smaller the other way round.
        linked = link_sources(table_of([(0, 0, 0, 0), (0, 0, 1, 20), (1, 0, 0, 12), (1, 0, 1, 30)]))
        assert dict(zip(linked.azimuth.tolist(), linked.source.tolist(), strict=True)) == {0: 0, 20: 1, 12: 0, 30: 1}

    def test_a_high_number_survives_the_end_of_the_low_ones(self) -> None:
        rows = [(0, 5, 0, -60), (0, 5, 1, 0), (0, 5, 2, 60), (1, 5, 0, 61), (2, 5, 0, 62), (3, 5, 0, 63), (3, 5, 1, 0)]
        linked = link_sources(table_of(rows))
        numbers = {(int(f), round(float(a))): int(s) for f, a, s in zip(linked.frame, linked.azimuth, linked.source)}  # noqa: B905
        assert [numbers[1, 61], numbers[2, 62], numbers[3, 63], numbers[3, 0]] == [2, 2, 2, 0]

    def test_after_silence_numbers_begin_again(self) -> None:
        rows = [(0, 0, 0, -60), (0, 0, 1, 60), (1, 0, 0, 60), (3, 0, 0, 60)]
        assert link_sources(table_of(rows)).source.tolist() == [0, 1, 1, 0]

    def test_a_jump_is_a_new_source(self) -> None:
        rows = [(0, 0, 0, -80), (0, 0, 1, 0), (1, 0, 0, 0), (1, 0, 1, 80)]
        linked = link_sources(table_of(rows), max_jump_deg=30)
        assert linked.source[(linked.frame == 1) & (linked.azimuth == 0)] == 1
        assert linked.source[(linked.frame == 1) & (linked.azimuth == 80)] == 0

    def test_lone_sources_are_number_0(self) -> None:
        linked = link_sources(table_of([(0, 0, 3, 10), (1, 0, 2, -80), (1, 7, 5, 0)]))
        assert linked.source.tolist() == [0, 0, 0]

    def test_unknown_directions_are_linked_too(self) -> None:
        linked = link_sources(table_of([(0, 0, 0, np.nan), (0, 0, 1, 10), (1, 0, 0, np.nan), (1, 0, 1, 10)]))
        assert sorted(zip(linked.frame.tolist(), linked.source.tolist(), strict=True)) == [
            (0, 0), (0, 1), (1, 0), (1, 1),
        ]  # fmt: skip

    @given(ROWS)
    def test_only_source_numbers_change_and_none_is_twice_in_a_cell(
        self, rows: list[tuple[int, int, int, int]]
    ) -> None:
        given_table = table_of(rows)
        linked = link_sources(given_table)
        without = [name for name in COLUMNS if name != "source"]
        before, after = (
            sorted(zip(*(getattr(t, n).tolist() for n in without), strict=True)) for t in (given_table, linked)
        )
        assert before == after
        cells = list(zip(linked.frame.tolist(), linked.class_index.tolist(), linked.source.tolist(), strict=True))
        assert len(cells) == len(set(cells))
        assert cells == sorted(cells)

    @given(st.integers(0, 2**32 - 1))
    def test_each_step_has_the_smallest_total_change(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        before, after = random.uniform(-90, 90, 3), random.uniform(-90, 90, 3)
        rows = [(f, 0, s, a) for f, azimuths in enumerate((before, after)) for s, a in enumerate(azimuths)]
        linked = link_sources(table_of(rows), max_jump_deg=180)
        change = sum(np.ptp(linked.azimuth[linked.source == source]) for source in range(3))
        best = min(np.abs(before - np.array(order)).sum() for order in itertools.permutations(after))
        assert change == pytest.approx(best, abs=1e-3)
