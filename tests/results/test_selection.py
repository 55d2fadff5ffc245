from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.core.events import EventTable
from export_cases import detection, run, tables

RESULT = detection(EventTable.concatenate([
    run(0, 30, 12, 40, onscreen=True, score=0.9), run(20, 50, 8, -30, score=0.4), run(60, 70, 12, float("nan")),
]))  # fmt: skip


def names(result: Any) -> list[tuple[str, float, float]]:
    return [(event.slug, event.start, event.end) for event in result]


def test_time_is_in_seconds_and_events_are_cut() -> None:
    assert names(RESULT[1:4]) == [("knock", 1.0, 3.0), ("music", 2.0, 4.0)]
    assert names(RESULT[6:]) == [("knock", 6.0, 7.0)]
    assert names(RESULT[:0.05]) == [("knock", 0.0, 0.1)]
    assert names(RESULT[:]) == names(RESULT)
    assert RESULT[1:4].duration == RESULT.duration


def test_classes_directions_screen_and_score() -> None:
    assert names(RESULT["music"]) == [("music", 2.0, 5.0)]
    assert len(RESULT["knock", "music"]) == 3
    assert len(RESULT.select(exclude="musical")) == 2
    assert names(RESULT.select(azimuth=(90, 0))) == names(RESULT.select(azimuth=(0, 90))) == [("knock", 0.0, 3.0)]
    assert len(RESULT.select(azimuth=(None, None))) == 3
    assert len(RESULT.select(onscreen=True)) == 1
    assert names(RESULT.select(score=0.8)) == [("knock", 0.0, 3.0)]
    assert RESULT["knock"].left_out


@pytest.mark.parametrize(
    ("conditions", "problem"),
    [({"time": (4, 1)}, "ends before it begins"), ({"time": 3}, "pair of numbers"), ({"azimuth": ("a", 1)}, "pair of"),
     ({"classes": "dog"}, "no class or group is called 'dog'"), ({"time": (float("nan"), 1)}, "ends before")],
)  # fmt: skip
def test_impossible_conditions(conditions: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        RESULT.select(**conditions)
    for key in (3, 1.5, slice(0, 5, 2), (), ("knock", 3)):
        with pytest.raises(UsageError, match="indexed by seconds"):
            RESULT[key]  # type: ignore[index]


@settings(deadline=None, max_examples=20)
@given(table=tables(), begin=st.floats(0, 3), length=st.floats(0, 3))
def test_parts_hold_exactly_the_rows_within(table: EventTable, begin: float, length: float) -> None:
    result = detection(table)
    part = result[begin : begin + length].table
    inside = (table.frame + 1 > begin * 10 + 1e-5) & (table.frame < (begin + length) * 10 - 1e-5)
    assert abs(len(part) - int(inside.sum())) <= int((np.abs(table.frame - np.round(begin * 10)) <= 1).sum()) + int(
        (np.abs(table.frame - np.round((begin + length) * 10)) <= 1).sum()
    )
    assert not len(part) or (part.frame.min() >= np.floor(begin * 10) and part.frame.max() <= (begin + length) * 10)
