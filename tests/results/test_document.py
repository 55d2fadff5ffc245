from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from earwitness.batch.formats import write
from earwitness.core.errors import LabelError
from earwitness.core.events import COLUMNS, EventTable
from earwitness.results.saved import read_result
from export_cases import detection, run


def test_long_results_are_written_piece_by_piece(tmp_path: Path) -> None:
    """An hour of one sound after the other: what is held while it is written is small beside the file."""
    frames = np.arange(36_000)
    table = EventTable.from_columns(
        frame=frames, class_index=frames // 12 % 13, azimuth=np.sin(frames) * 80, distance=2.5, num_frames=36_000
    )
    found = detection(table)
    for name in ("csv", "json", "jsonl"):
        write(detection(run(0, 5, 3, 10)), tmp_path / "warm", name)
        tracemalloc.start()
        write(found, tmp_path / name, name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        sorted_copies = 3 * sum(getattr(table, column).nbytes for column in COLUMNS)
        assert peak < sorted_copies + 2_500_000, name
        assert (tmp_path / name).stat().st_size > 600_000


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (("source", "duration"), float("nan"), "source.duration"),
        (("source", "duration"), -1, "source.duration"),
        (("settings", "fov"), float("inf"), "settings"),
        (("visual",), {"a": [{"b": float("nan")}]}, "visual"),
        (("num_frames",), 10**30, "num_frames"),
        (("events", 0, "track", "score"), [float("nan")] * 5, "events.0.track.score.0"),
        (("events", 0, "track", "frames"), [10**18] * 5, "events.0.track.frames.0"),
        (("events", 0, "source"), 10**9, "events.0.source"),
        (("events", 0, "visual"), {"why": float("-inf")}, "events.0.visual"),
    ],
)
def test_numbers_that_cannot_be_are_refused_by_field(
    tmp_path: Path, place: tuple[str | int, ...], value: object, field: str
) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(0, 5, 3, 10)), path, "json")
    values = json.loads(path.read_text())
    node = values
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    path.write_text(json.dumps(values))
    with pytest.raises(LabelError, match=f"clip.json: not an earwitness events file: {field}"):
        read_result(path)
