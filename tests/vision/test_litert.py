from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from earwitness.vision.detectors.litert import Square, crop, suppress_stderr, tiles


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
