from __future__ import annotations

import numpy as np
from PIL import Image

from earwitness.vision.shots import LetterboxFinder


def bars_of(*pictures: np.ndarray) -> tuple[int, int, int, int]:
    finder = LetterboxFinder()
    for picture in pictures:
        finder.add(Image.fromarray(picture))
    return finder.content()


def test_bars_are_what_stays_black_on_both_sides() -> None:
    picture = np.full((90, 160, 3), 16, np.uint8)
    picture[:, 20:140] = 90
    assert bars_of(picture) == (20, 0, 140, 90)
    letterbox = np.full((90, 160, 3), 18, np.uint8)
    letterbox[10:80] = 90
    assert bars_of(letterbox) == (0, 10, 160, 80)


def test_a_night_is_not_a_bar() -> None:
    dark_left = np.full((90, 160, 3), 80, np.uint8)
    dark_left[:, :50] = 0
    assert bars_of(dark_left) == (0, 0, 160, 90)
    assert bars_of(np.zeros((90, 160, 3), np.uint8)) == (0, 0, 160, 90)
    night = np.zeros((90, 160, 3), np.uint8)
    night[:, 20:140] = 90
    assert bars_of(night, np.full((90, 160, 3), 90, np.uint8)) == (0, 0, 160, 90)
    assert LetterboxFinder().content() == (0, 0, 0, 0)
