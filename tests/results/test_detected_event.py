from __future__ import annotations

from dataclasses import asdict, is_dataclass

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.results.detected_event import DetectedEvent
from export_cases import detection, run

RESULT = detection(EventTable.concatenate([
    run(0, 30, 12, 40, onscreen=True, score=0.9), run(20, 50, 8, -30, score=0.4), run(60, 70, 12, float("nan")),
]))  # fmt: skip


def test_events_are_plain() -> None:
    first = RESULT.events[0]
    assert is_dataclass(first)
    assert first == DetectedEvent(
        0.0, 3.0, "Knock", "knock", 40.0, pytest.approx(1.234), True, pytest.approx(0.9), sound_class=first.sound_class
    )  # type: ignore[arg-type]
    assert (first.duration, first.sound_class.name) == (3.0, "Knock")
    assert {type(value) for name, value in asdict(first).items() if name != "sound_class"} <= {
        float, str, bool, int, type(None),
    }  # fmt: skip
    assert np.isnan(RESULT.events[2].azimuth)
    assert (len(RESULT), bool(detection(EventTable.empty(5))), len(detection(EventTable.empty(5)))) == (3, True, 0)
