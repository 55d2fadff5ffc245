from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.metrics.comparison import compare


def table(class_index: int, frames: range, azimuth: float, distance: float = 2.0) -> EventTable:
    return EventTable.from_columns(
        frame=np.array(frames), class_index=class_index, azimuth=azimuth, distance=distance, num_frames=50
    )


def test_perfect_hearing() -> None:
    truth = EventTable.concatenate([table(0, range(10), 30.0), table(12, range(20, 30), -60.0)])
    hearing = compare(truth, truth)
    assert (hearing.events, hearing.missed, hearing.extra) == (2, (), ())
    assert (hearing.azimuth_error, hearing.distance_error, hearing.f_score) == (0.0, 0.0, 1.0)


def test_misses_extras_and_errors_are_told() -> None:
    truth = EventTable.concatenate([table(0, range(10), 30.0), table(12, range(20, 30), -60.0)])
    heard = EventTable.concatenate([table(0, range(10), 42.0, 2.5), table(8, range(40, 45), 0.0)])
    hearing = compare(truth, heard)
    assert hearing.missed == ("Knock",)
    assert hearing.extra == ("Music",)
    assert hearing.azimuth_error == pytest.approx(12.0)
    assert hearing.distance_error == pytest.approx(0.25)
    assert "detected 1 of 2 events; missed: Knock" in hearing.lines()[0]


def test_nothing_heard() -> None:
    hearing = compare(table(3, range(5), 0.0), EventTable.empty(50))
    assert hearing.missed == ("Telephone",)
    assert hearing.f_score == 0.0
    assert len(hearing.lines()) == 2
