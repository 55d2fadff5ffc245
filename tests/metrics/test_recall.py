from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.recall import recall_by_bin


def table(azimuth: float, distance: float, frames: int = 10) -> EventTable:
    return EventTable.from_columns(
        frame=np.arange(frames), class_index=2, azimuth=azimuth, distance=distance, num_frames=50
    )


def test_shares_and_errors_of_each_bin() -> None:
    labels = [LabelRows.from_table(table(10.0, 2.0)) for _ in range(4)]
    events = [table(20.0, 2.0), table(10.0, 3.0), table(60.0, 2.0), EventTable.empty(50)]
    bins = [np.full(10, number // 2) for number in range(4)]
    result = recall_by_bin(labels, events, bins, 3)
    assert result["labels"] == [20, 20, 0]
    assert [row[0] for row in result["found"][:2]] == [1.0, 0.0]
    assert result["doa_error_deg"][0][0] == pytest.approx(5.0)
    assert result["doa_error_deg"][1][0] == pytest.approx(50.0)
    assert result["relative_distance_error"][0][0] == pytest.approx(0.25)
    for name in ("found", "doa_error_deg", "relative_distance_error"):
        value, low, high = result[name][0]
        assert low <= value <= high
        assert np.isnan(result[name][2][0])
