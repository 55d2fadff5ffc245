from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.errors import ModelError
from earwitness.vision.boxes import Boxes, areas, cover, iou, suppress, weighted_suppress


def test_moving_boxes_back_from_a_crop() -> None:
    boxes = Boxes.of([[10, 20, 30, 60]], [0.5], "person")
    boxes.keypoints[0, 3] = (5, 6, 0.7)
    moved = boxes.moved(100, 50, scale=2)
    np.testing.assert_allclose(moved.xyxy, [[120, 90, 160, 170]])
    np.testing.assert_allclose(moved.keypoints[0, 3], (110, 62, 0.7))
    assert np.isnan(moved.keypoints[0, 4, 0])
    np.testing.assert_allclose(boxes.xyxy, [[10, 20, 30, 60]])


def test_join_and_select() -> None:
    joined = Boxes.joined(
        [Boxes.none(), Boxes.of([[0, 0, 1, 1]], [0.2], "bell"), Boxes.of([[0, 0, 2, 2]], [0.9], "door")]
    )
    assert joined.label == ("bell", "door")
    assert joined.select([1]).label == ("door",)
    assert joined.select(joined.score < 0.5).label == ("bell",)
    assert len(joined.select([])) == len(Boxes.joined([])) == 0


@pytest.mark.parametrize(("score", "label"), [([0.5], ("a", "b")), ([0.5, 1.5], ("a", "b")), ([0.5], ("a",))])
def test_columns_that_do_not_fit(score: list[float], label: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="detector"):
        Boxes.of([[0, 0, 1, 1], [0, 0, 2, 2]], score, label)


def test_overlaps() -> None:
    a = np.array([[0, 0, 10, 10], [0, 0, 2, 2], [20, 20, 10, 10]], np.float32)
    np.testing.assert_allclose(areas(a), [100, 4, 0])
    b = np.array([[5, 0, 15, 10]], np.float32)
    np.testing.assert_allclose(iou(a, b)[:, 0], [50 / 150, 0, 0])
    np.testing.assert_allclose(cover(a[:1], a[1:2]), [[1.0]])


def test_suppression_keeps_the_best_of_each_group() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10]], np.float32)
    score = np.array([0.6, 0.9, 0.5], np.float32)
    assert suppress(iou(boxes, boxes), score, 0.5).tolist() == [1, 2]
    means = weighted_suppress(boxes, score, boxes, 0.5)
    np.testing.assert_allclose(means[0], np.average(boxes[:2], axis=0, weights=[0.6, 0.9]), rtol=1e-5)
    np.testing.assert_allclose(means[1], boxes[2])
