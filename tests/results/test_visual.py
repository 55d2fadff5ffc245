from __future__ import annotations

import pytest

from earwitness.core.events import EventTable
from earwitness.results.detected_event import DetectedEvent
from earwitness.results.visual import EventKey, EventVisual, Pictures, VisibleObject
from export_cases import run

TABLE = EventTable.concatenate([run(0, 30, 12, 40), run(20, 50, 8, -30), run(40, 60, 12, 50, source=1)])


def test_the_key_tells_the_events_of_a_table_apart() -> None:
    events = TABLE.events()
    keys = {EventKey.of(event) for event in events}
    assert len(keys) == len(events) == 3
    assert {EventKey.of(DetectedEvent.of(event)) for event in events} == keys


def test_values_are_written_as_they_were_read() -> None:
    """What a document leaves out stays out, and what a later version adds is kept."""
    values = {"seen": 2, "what": "person", "why": "near", "box": None, "added_later": {"a": [1]}}
    assert EventVisual.model_validate(values).model_dump(mode="json") == values
    assert VisibleObject.model_validate({}).model_dump(mode="json") == {}


@pytest.mark.parametrize("box", ["everywhere", [0, 0], [50, 1, 20, 40], {"left": 1}, [0, 0, 900, 50], None])
def test_an_impossible_area_of_the_picture_counts_as_the_whole(box: object) -> None:
    assert Pictures.model_validate({"content": box, "width": 640}).share == 1


def test_black_bars_at_the_sides_narrow_the_picture() -> None:
    assert Pictures.model_validate({"content": [160, 0, 480, 360], "width": 640}).share == 0.5
