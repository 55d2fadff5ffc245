from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from earwitness.vision.letterbox import LetterboxFinder
from edited_video import noisy, sway
from films import RGBArray


def coloured(grey: NDArray[np.uint8]) -> RGBArray:
    return np.repeat(grey[..., None], 3, axis=2)


def content(pictures: list[RGBArray]) -> tuple[int, int, int, int]:
    finder = LetterboxFinder()
    for picture in pictures:
        finder.add(Image.fromarray(picture))
    return finder.content()


def inset(ground: RGBArray, size: tuple[int, int], left: int, top: int) -> list[RGBArray]:
    pictures = []
    for grey in noisy(sway(8, 4)):
        made = ground.copy()
        made[top : top + size[1], left : left + size[0]] = np.asarray(Image.fromarray(coloured(grey)).resize(size))
        pictures.append(made)
    return pictures


def test_a_window_on_a_ground_of_one_colour() -> None:
    for colour in ((0, 0, 0), (40, 90, 160), (240, 240, 240)):
        ground = np.full((180, 320, 3), colour, np.uint8)
        for left, top in ((80, 45), (140, 20), (10, 80)):
            assert content(inset(ground, (160, 90), left, top)) == pytest.approx(
                (left, top, left + 160, top + 90), abs=2
            )


def test_an_upright_picture_on_a_blurred_copy_of_itself() -> None:
    pictures = []
    for grey in noisy(sway(8, 4)):
        upright = Image.fromarray(coloured(grey[:, 110:210]))
        made = np.asarray(
            upright.resize((320, 576)).crop((0, 198, 320, 378)).filter(ImageFilter.GaussianBlur(12))
        ).copy()
        made[:, 110:210] = np.asarray(upright)
        pictures.append(made)
    assert content(pictures) == pytest.approx((110, 0, 210, 180), abs=3)


def test_honest_pictures_have_no_bars() -> None:
    for seed in range(6):
        assert content([coloured(grey) for grey in noisy(sway(seed, 4))]) == (0, 0, 320, 180)
    soft = [
        np.asarray(Image.fromarray(coloured(grey)).filter(ImageFilter.GaussianBlur(5))) for grey in noisy(sway(1, 3))
    ]
    assert content(soft) == (0, 0, 320, 180)
    focus = [np.asarray(Image.fromarray(picture)).copy() for picture in soft]
    weight = np.exp(-(((np.arange(320) - 160) / 60) ** 2))[None, :, None]  # sharp in the middle alone
    for picture, grey in zip(focus, noisy(sway(1, 3)), strict=True):
        picture[:] = (weight * coloured(grey) + (1 - weight) * picture).astype(np.uint8)
    assert content(focus) == (0, 0, 320, 180)
