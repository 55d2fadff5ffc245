from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.batch.formats import write
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import HEADER, read_rows, read_table
from export_cases import detection, run


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
