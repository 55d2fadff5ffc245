from __future__ import annotations

import json
from pathlib import Path

import pytest

from earwitness.batch.formats import write
from earwitness.core.events import EventTable
from export_cases import OVERLAPPING, detection

SPANS = [(1.0, 2.5), (1.2, 2.0), (3.0, 3.3), (4.0, 5.2)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where to write; the suffix is added by the tests."""
    return tmp_path / "clip"


def test_json_lines(file: Path) -> None:
    write(detection(OVERLAPPING), file, "jsonl")
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(event["start"], event["end"]) for event in events] == SPANS
    assert {event["file"] for event in events} == {"clip.mp4"}
    assert events[0]["class"] == "female_speech"
    assert events[2]["azimuth_deg"] is None
    write(detection(EventTable.empty(5)), file, "jsonl")
    assert file.read_text() == ""
