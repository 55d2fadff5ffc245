"""Tables as text: DCASE2025 CSV and JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earwitness.batch.formats import write
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import HEADER, read_rows, read_table
from export_cases import OVERLAPPING, detection, run


def test_csv_is_what_the_dcase_tools_read(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    table = EventTable.concatenate([run(10, 12, 3, -23.4, onscreen=True), run(10, 11, 0, 80.6)], num_frames=50)
    write(detection(table), path, "csv")
    assert path.read_text() == f"{HEADER}\n10,0,0,81,123,0\n10,3,0,-23,123,1\n11,3,0,-23,123,1\n"
    assert read_table(path).same_as(table.rounded().with_columns(score=1.0), tolerance=1e-5)


def test_csv_of_nothing_has_its_header(tmp_path: Path) -> None:
    write(detection(EventTable.empty(50)), tmp_path / "clip.csv", "csv")
    assert (tmp_path / "clip.csv").read_text() == HEADER + "\n"
    assert len(read_rows(tmp_path / "clip.csv")) == 0


def test_csv_claims_no_direction_for_mono(tmp_path: Path) -> None:
    write(detection(run(3, 4, 0, float("nan"))), tmp_path / "clip.csv", "csv")
    assert (tmp_path / "clip.csv").read_text().splitlines()[1] == "3,0,0,,123,0"
    with pytest.raises(LabelError, match="azimuth"):
        read_rows(tmp_path / "clip.csv")


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
