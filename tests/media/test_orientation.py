from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame

from earwitness.media.pictures.orientation import Orientation, square_width

ALL = [Orientation(*flags) for flags in itertools.product((False, True), repeat=3)]


@pytest.mark.parametrize("orientation", ALL)
def test_size_and_picture_agree(orientation: Orientation) -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    shown = orientation.apply(picture)
    assert shown.flags.c_contiguous
    assert shown.shape[1::-1] == orientation.size(3, 2)
    assert sorted(map(tuple, shown.reshape(-1, 3))) == sorted(map(tuple, picture.reshape(-1, 3)))


@pytest.mark.parametrize("turns", range(4))
def test_rotations_are_counter_clockwise(turns: int) -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    (orientation,) = [one for one in ALL if np.array_equal(one.apply(picture), np.rot90(picture, turns))]
    assert orientation.rotation == 90 * turns


def test_a_frame_without_a_matrix_is_upright() -> None:
    assert Orientation.of(VideoFrame(16, 8, "rgb24")) == Orientation()


@pytest.mark.parametrize(("aspect", "width"), [(None, 720), (Fraction(1), 720), (Fraction(16, 15), 768), (0, 720)])
def test_pixels_are_made_square(aspect: Fraction | None, width: int) -> None:
    assert square_width(VideoFrame(720, 576, "rgb24"), aspect) == width
