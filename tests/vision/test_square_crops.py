from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from earwitness.vision.detectors.square_crops import Square, crop, tiles


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
