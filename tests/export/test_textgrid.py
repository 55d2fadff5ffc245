from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.batch.formats import write
from earwitness.core.events import EventTable
from export_cases import OVERLAPPING, detection


def test_textgrid(tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    write(detection(OVERLAPPING), tmp_path / "clip.TextGrid", "textgrid")
    grid = textgrid.openTextgrid(str(tmp_path / "clip.TextGrid"), includeEmptyIntervals=True, reportingMode="error")
    assert grid.tierNames == ("Female speech", "Female speech 2", "Knock")
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 8)
    intervals = [tuple(entry) for entry in grid.getTier("Female speech").entries]
    assert intervals == [
        (0, 1.0, ""), (1.0, 2.5, "23° left, 1.2 m, on screen"), (2.5, 4.0, ""),
        (4.0, 5.2, "10° left, 1.2 m, off screen"), (5.2, 8.0, ""),
    ]  # fmt: skip


def test_a_textgrid_of_nothing_has_a_tier(tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    write(detection(EventTable.empty(20)), tmp_path / "clip.TextGrid", "textgrid")
    grid = textgrid.openTextgrid(str(tmp_path / "clip.TextGrid"), includeEmptyIntervals=True)
    assert [tuple(entry) for entry in grid.getTier(grid.tierNames[0]).entries] == [(0, 2.0, "")]
