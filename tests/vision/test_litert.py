from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import ModelError
from earwitness.vision.detectors import litert
from earwitness.vision.detectors.litert import (
    FACE_LAYOUT,
    NEAR_FACE_LAYOUT,
    POSE_LAYOUT,
    LiteModel,
    SingleShot,
    Square,
    anchor_centres,
    crop,
    suppress_stderr,
    tiles,
)
from earwitness.vision.detectors.pose import SQUARE_SCALE, body_square


def test_only_the_greeting_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress_stderr("INFO: made"):
        os.write(2, b"INFO: made a delegate\nERROR: no memory\n")
        os.write(2, b"INFO: made another\nleft open")
    os.write(2, b" and on\n")
    assert capfd.readouterr().err == "ERROR: no memory\nleft open and on\n"


def test_what_was_said_comes_through_when_the_block_fails(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with suppress_stderr("INFO"):
            os.write(2, b"WARNING: damaged\n")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert capfd.readouterr().err == "WARNING: damaged\n"


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor")
def test_nothing_to_write_to() -> None:
    code = (
        "import os, sys; os.close(2); sys.stderr = None\n"
        "from earwitness.vision.detectors.litert import suppress_stderr as hold_back\n"
        "with hold_back('x'): print('done')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "done\n"


def test_a_turned_crop_stands_upright_and_maps_back() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[95:106, 150:161] = 255  # to the right of the middle
    square = Square(100, 100, 160, float(np.pi / 2))  # its up is the picture's right
    cut = crop(Image.fromarray(picture), square, 80)
    rows, columns = np.nonzero(cut[..., 0] > 128)
    place = np.array([columns.mean() + 0.5, rows.mean() + 0.5], np.float32) / 80
    assert place[1] < 0.3
    np.testing.assert_allclose(square.to_picture(place), (155.5, 100.5), atol=1)


def test_beyond_the_picture_is_black() -> None:
    cut = crop(Image.new("RGB", (100, 50), (200, 200, 200)), Square(50, 25, 100), 50)
    assert cut.shape == (50, 50, 3)
    assert cut[:10].max() == cut[-10:].max() == 0
    np.testing.assert_allclose(cut[25], 200)


@pytest.mark.parametrize(("width", "height", "side"), [(640, 360, 360), (360, 640, 360), (640, 360, 180), (50, 40, 64)])
def test_squares_cover_the_picture(width: int, height: int, side: int) -> None:
    covered = np.zeros((height, width), int)
    for square in tiles(width, height, side):
        left, top = round(square.x - side / 2), round(square.y - side / 2)
        covered[max(0, top) : top + side, max(0, left) : left + side] += 1
    assert covered.min() >= 1


@pytest.mark.parametrize(
    ("size", "layout", "count"), [(224, POSE_LAYOUT, 2254), (192, FACE_LAYOUT, 2304), (128, NEAR_FACE_LAYOUT, 896)]
)
def test_as_many_anchors_as_the_networks_have_outputs(size: int, layout: litert.Layout, count: int) -> None:
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
    monkeypatch.setattr(litert, "LiteModel", FakeModel)
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
