from __future__ import annotations

import numpy as np

from earwitness.core.events import EventTable
from earwitness.metrics.event_pairs import event_pairs


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
