from __future__ import annotations

import tracemalloc
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import EncodingError
from earwitness.vision import frame_store as grids_module
from earwitness.vision import frame_store as seen_module
from earwitness.vision.boxes import Boxes
from earwitness.vision.frame_store import BoxStore, FrameStore, MotionGrids
from earwitness.vision.motion import COLUMNS, ROWS


def some_grids(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, ROWS, COLUMNS), dtype=np.uint8)


def some_boxes(count: int) -> list[Boxes]:
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        things = number % 3
        points = random.normal(size=(things, 18, 3))
        made.append(Boxes.of(random.uniform(0, 300, (things, 4)), [0.5] * things, ["person", "bell"][:things], points))
    return made


def test_pieces_come_back_as_they_were() -> None:
    spool = FrameStore()
    for number in range(3):
        spool.add(a=np.full((2, number), number), b=np.array(["x"] * number, dtype=np.str_))
    assert len(spool) == 3
    assert spool.piece(2)["a"].tolist() == [[2, 2], [2, 2]]
    assert spool.piece(0)["b"].tolist() == []
    assert spool.piece(1)["b"].tolist() == ["x"]


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("earwitness.vision.frame_store.SpooledTemporaryFile", lambda max_size: Full())
    with pytest.raises(EncodingError, match=r"No space left on device.*TMPDIR"):
        FrameStore().add(a=np.zeros(1))


@given(st.integers(0, 22), st.integers(0, 30), st.integers(0, 30))
def test_grids_are_the_array_that_they_stand_for(count: int, first: int, stop: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grids_module, "_GRIDS_PER_PIECE", 5)
        whole, grids = some_grids(count), MotionGrids()
        grids.extend(whole)
        assert len(grids) == count
        np.testing.assert_array_equal(grids[first:stop], whole[first:stop])
        np.testing.assert_array_equal(np.asarray(grids), whole)
        np.testing.assert_array_equal(list(grids), list(whole))


def test_boxes_come_back_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "_PICTURES_PER_PIECE", 4)
    whole, seen = some_boxes(11), BoxStore()
    for boxes in whole:
        seen.add(boxes)
    assert len(seen) == len(list(seen)) == 11
    for number in (10, 0, 3, 4, 7, -1):
        assert seen[number].label == whole[number].label
        np.testing.assert_array_equal(seen[number].xyxy, whole[number].xyxy)
        np.testing.assert_array_equal(seen[number].keypoints, whole[number].keypoints)
    assert [len(boxes) for boxes in seen[2:9:3]] == [2, 2, 2]
    with pytest.raises(IndexError):
        seen[11]


def test_half_an_hour_of_motion_takes_the_memory_of_minutes() -> None:
    tracemalloc.start()
    grids = MotionGrids()
    for frame in range(18_000):
        moving = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
        moving[20, frame % COLUMNS] = 1 + frame % 250
        grids.add(moving)
    assert sum(int(grid.any()) for grid in grids) == 18_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6  # 65 MB as an array
