from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import ModelError
from earwitness.vision.detectors import singleshot
from earwitness.vision.detectors.litert import LiteModel, Square
from earwitness.vision.detectors.pose import SQUARE_SCALE, body_square
from earwitness.vision.detectors.singleshot import (
    FACE_LAYOUT,
    NEAR_FACE_LAYOUT,
    POSE_LAYOUT,
    SingleShot,
    anchor_centres,
)


@pytest.mark.parametrize(
    ("size", "layout", "count"), [(224, POSE_LAYOUT, 2254), (192, FACE_LAYOUT, 2304), (128, NEAR_FACE_LAYOUT, 896)]
)
def test_as_many_anchors_as_the_networks_have_outputs(size: int, layout: singleshot.Layout, count: int) -> None:
    centres = anchor_centres(size, layout.strides, layout.per_layer)
    assert centres.shape == (count, 2)
    np.testing.assert_allclose(centres.mean(axis=0), 0.5, atol=1e-6)
    np.testing.assert_allclose(centres[0], layout.strides[0] / size / 2)


def test_anchors_go_along_rows_and_share_the_cells_of_layers_with_one_stride() -> None:
    centres = anchor_centres(64, (16, 32, 32), 2)
    assert len(centres) == 4 * 4 * 2 + 2 * 2 * 4
    np.testing.assert_allclose(centres[2] - centres[0], (0.25, 0), atol=1e-6)
    np.testing.assert_allclose(centres[32:36], [[0.25, 0.25]] * 4)


class FakeModel:
    """Says that there is something at one anchor."""

    size = 224

    def __init__(self, *_: Any) -> None:
        self.raw = np.zeros((2254, 12), np.float32)
        self.logit = np.full(2254, -9, np.float32)
        self.picture = np.zeros(0)

    def run(self, picture: Any) -> list[Any]:
        self.picture = picture
        return [self.raw.ravel(), self.logit]


def test_outputs_become_places_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(singleshot, "LiteModel", FakeModel)
    detector = SingleShot("any", POSE_LAYOUT, 224, 0.5)
    model: Any = detector._model
    for number in (100, 101):  # both anchors of a cell say the same
        model.logit[number] = 2.0
        model.raw[number, :6] = (5.6, -11.2, 22.4, 44.8, 0, 22.4)
    (found,) = detector.detect(Image.new("RGB", (640, 360), (255, 0, 0)), Square(320, 180, 360))
    centre = anchor_centres(224, POSE_LAYOUT.strides, 2)[100]
    middle = np.array([140, 0]) + 360 * (centre + np.array([5.6 / 224, -11.2 / 224]))
    np.testing.assert_allclose((found.box[:2] + found.box[2:]) / 2, middle, rtol=1e-5)
    np.testing.assert_allclose(found.box[2:] - found.box[:2], (36, 72), rtol=1e-4)
    np.testing.assert_allclose(found.points[0], np.array([140, 0]) + 360 * (centre + np.array([0, 0.1])), rtol=1e-5)
    assert found.score == pytest.approx(1 / (1 + np.exp(-2)))
    np.testing.assert_allclose(model.picture[0, 0], (1, -1, -1))
    model.logit[:] = -9
    assert detector.detect(Image.new("RGB", (640, 360)), Square(320, 180, 360)) == []


def test_the_body_square_is_upright_for_the_body() -> None:
    lying = body_square(np.array([100, 100], np.float32), np.array([160, 100], np.float32))
    assert lying.turn == pytest.approx(np.pi / 2)
    assert lying.side == pytest.approx(2 * 60 * SQUARE_SCALE)
    assert body_square(np.array([0, 50], np.float32), np.array([0, 0], np.float32)).turn == pytest.approx(0)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="models pull pose"):
        LiteModel(tmp_path / "none.tflite", (1,))
    pytest.importorskip("ai_edge_litert", reason="needs the extra 'vision'")
    junk = tmp_path / "junk.tflite"
    junk.write_bytes(b"not a model at all" * 10)
    with pytest.raises(ModelError, match="not a usable"):
        LiteModel(junk, (1,))
