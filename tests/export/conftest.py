"""Results that several tests of exports use."""

from __future__ import annotations

import pytest

from earwitness.core.events import EventTable
from earwitness.results.detection import Detection
from export_cases import detection, run


@pytest.fixture
def film() -> Detection:
    """A minute with a knock and music."""
    table = EventTable.concatenate([run(10, 40, 12, 30, num_frames=700), run(600, 640, 8, -20, num_frames=700)])
    return detection(table)
