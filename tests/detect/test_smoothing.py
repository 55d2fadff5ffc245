from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.ndimage import median_filter

from earwitness.core.events import EventTable
from earwitness.detect.smoothing import Smoothing

NONE = Smoothing(fill_gap_frames=0, min_event_frames=1)


def one_source(frames: list[int], azimuths: list[float] | float = 0.0, num_frames: int = 50) -> EventTable:
    return EventTable.from_columns(
        frame=frames, class_index=3, azimuth=azimuths, distance=2.0, score=0.8, num_frames=num_frames
    )


def test_a_gap_of_one_frame_is_bridged_between_its_neighbours() -> None:
    table = EventTable.from_columns(
        frame=[4, 5, 7, 8], class_index=3, azimuth=[10, 10, 20, 20], distance=[1, 1, 2, 2],
        score=[0.6, 0.6, 0.8, 0.8], onscreen=[True, True, False, False], num_frames=20,
    )  # fmt: skip
    smooth = Smoothing().apply(table)
    assert smooth.frame.tolist() == [4, 5, 6, 7, 8]
    assert smooth.azimuth[2] == pytest.approx(15)
    assert smooth.distance[2] == pytest.approx(1.5)
    assert smooth.score[2] == pytest.approx(0.7)
    assert bool(smooth.onscreen[2])
    assert smooth.num_frames == 20


def test_longer_gaps_stay() -> None:
    assert len(Smoothing().apply(one_source([1, 2, 5, 6]))) == 4
    assert len(Smoothing(fill_gap_frames=2).apply(one_source([1, 2, 5, 6]))) == 6


def test_a_gap_across_the_room_stays() -> None:
    assert len(Smoothing().apply(one_source([1, 2, 4, 5], [80, 80, -80, -80]))) == 4


def test_gaps_without_direction_are_bridged() -> None:
    smooth = Smoothing().apply(one_source([1, 2, 4, 5], float("nan")))
    assert smooth.frame.tolist() == [1, 2, 3, 4, 5]
    assert np.isnan(smooth.azimuth).all()


def test_blips_are_dropped_after_gaps_are_bridged() -> None:
    assert Smoothing().apply(one_source([3, 9, 11, 20])).frame.tolist() == [9, 10, 11]


def test_the_median_removes_an_outlier() -> None:
    table = one_source([0, 1, 2, 3, 4], [10, 10, 40, 12, 12])
    assert Smoothing(median_azimuth_frames=3).apply(table).azimuth.tolist() == [10, 10, 12, 12, 12]
    assert Smoothing().apply(table).azimuth.tolist() == [10, 10, 40, 12, 12]


@pytest.mark.parametrize(("frames", "length"), [(1, 5), (4, 11), (300, 5), (300, 501)])
def test_the_median_is_that_of_scipy(frames: int, length: int) -> None:
    azimuth = np.random.default_rng(frames).uniform(-90, 90, frames).astype(np.float32)
    table = EventTable.from_columns(frame=np.arange(frames), class_index=0, azimuth=azimuth, distance=2.0)
    smoothed = Smoothing(min_event_frames=1, median_azimuth_frames=length).apply(table)
    assert np.array_equal(smoothed.azimuth, median_filter(azimuth, size=length, mode="nearest"))


def test_nothing_stays_nothing() -> None:
    smooth = Smoothing().apply(EventTable.empty(30))
    assert len(smooth) == 0
    assert smooth.num_frames == 30


@settings(deadline=None, max_examples=50)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 29), st.integers(0, 12), st.floats(-90, 90, width=32), st.booleans()), max_size=60
    )
)
def test_smoothing_twice_is_smoothing_once_and_off_changes_nothing(rows: list[tuple[int, int, float, bool]]) -> None:
    table = EventTable.from_columns(
        frame=[row[0] for row in rows], class_index=[row[1] for row in rows], azimuth=[row[2] for row in rows],
        onscreen=[row[3] for row in rows], distance=1.0, num_frames=30,
    )  # fmt: skip
    smooth = Smoothing(fill_gap_frames=0).apply(table)
    assert all(len(event.table) >= 2 for event in smooth.events())
    off = NONE.apply(table)
    assert sorted(zip(off.frame, off.class_index, off.azimuth, off.onscreen, strict=True)) == sorted(
        zip(table.frame, table.class_index, table.azimuth, table.onscreen, strict=True)
    )


@pytest.mark.parametrize("wrong", [{"fill_gap_frames": -1}, {"min_event_frames": 0}, {"gap": 1}])
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Smoothing(**wrong)  # type: ignore[arg-type]


def test_events_with_a_low_mean_score_are_dropped() -> None:
    table = EventTable.from_columns(
        frame=[1, 2, 3, 20, 21, 22], class_index=3, azimuth=0, distance=1, score=[0.2, 0.3, 0.9, 0.3, 0.4, 0.3],
        num_frames=50,
    )  # fmt: skip
    smooth = Smoothing(fill_gap_frames=0, min_event_score=0.4).apply(table)
    assert smooth.frame.tolist() == [1, 2, 3]  # their mean counts
    assert len(Smoothing(min_event_score=1.0).apply(table)) == 0
    assert len(Smoothing(min_event_score=0.4).apply(EventTable.empty(5))) == 0
