"""Each exchange format is read back by the format's own library."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from earwitness.batch.formats import write
from earwitness.core.events import EventTable
from export_cases import detection, tables


@settings(deadline=None, max_examples=15)
@given(table=tables())
def test_any_table_can_be_read_back(table: EventTable, tmp_path_factory: pytest.TempPathFactory) -> None:
    pympi = pytest.importorskip("pympi", reason="reading ELAN files needs pympi-ling (extra 'dev')")
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    path = tmp_path_factory.mktemp("any") / "clip"
    result = detection(table)
    write(result, path, "elan")
    eaf = pympi.Elan.Eaf(str(path))
    count = sum(len(eaf.get_annotation_data_for_tier(tier)) for tier in eaf.get_tier_names())
    assert count == len(result.events)
    write(result, path, "textgrid")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert sum(len(grid.getTier(name).entries) for name in grid.tierNames) == len(result.events)
