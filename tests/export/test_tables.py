"""Tables as text: DCASE2025 CSV and JSON Lines."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitness.batch.formats import write
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import HEADER, read_rows, read_table
from earwitness.export.tables import ROW_COLUMNS
from earwitness.results.detection import EventIntervals
from earwitness.results.visual import EventKey
from export_cases import OVERLAPPING, detection, run
from strange_names import heard


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


def test_parquet(file: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs the extra 'parquet'")
    write(detection(OVERLAPPING), file, "parquet")
    read = pq.read_table(file)
    table = OVERLAPPING.sorted()
    assert read.column("frame").to_pylist() == table.frame.tolist()
    assert read.column("class").to_pylist()[0] == "female_speech"
    assert read.column("time_s").to_pylist()[:2] == [1.0, 1.1]
    azimuth = read.column("azimuth_deg").to_pylist()
    assert [value is None for value in azimuth] == np.isnan(table.azimuth).tolist()
    assert azimuth[0] == pytest.approx(23.4)
    assert set(read.column("onscreen").to_pylist()) == {True, False}
    assert read.schema.metadata[b"earwitness.model"] == b"tiny"
    write(detection(EventTable.empty(5), media=None), file, "parquet")
    assert pq.read_table(file).num_rows == 0
    assert pq.read_table(file).schema.names == read.schema.names


def test_parquet_repeats_the_intervals_of_an_event_in_its_rows(file: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs the extra 'parquet'")
    first, *_, last = OVERLAPPING.events()
    known = {EventKey.of(first): EventIntervals((10.0, 30.0), (1.0, 2.5))}
    known[EventKey.of(last)] = EventIntervals((0.0, 20.0), None)
    write(replace(detection(OVERLAPPING), intervals=known), file, "parquet")
    rows = pq.read_table(file).to_pylist()
    ends = ROW_COLUMNS[-4:]
    for row, (frame, class_index, source, *_) in zip(rows, OVERLAPPING.sorted().rows(), strict=True):
        assert (row["frame"], row["class_index"], row["source"]) == (frame, class_index, source)
        expected: tuple[float | None, ...] = (None,) * 4
        if class_index == 0 and source == 0:
            expected = (10, 30, 1, 2.5) if frame < 25 else (0, 20, None, None)
        assert tuple(row[name] for name in ends) == expected


def test_parquet_takes_names_that_are_no_text(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="reading Parquet needs pyarrow (extra 'parquet')")
    write(heard(Path(os.fsdecode(b"latin\xe9.mp4"))), tmp_path / "clip.parquet", "parquet")
    assert pq.read_table(tmp_path / "clip.parquet")["file"][0].as_py() == "latin?.mp4"
