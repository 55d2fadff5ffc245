from __future__ import annotations

from itertools import combinations
from math import nan

import numpy as np
import pytest

from earwitness.core.vocabulary import CLASSES, NUM_CLASSES
from earwitness.render.style import (
    INK,
    Scale,
    clock_text,
    direction_text,
    font,
    place_text,
)


def linear(colour: tuple[int, int, int]) -> np.ndarray:
    value = np.array(colour) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def luminance(colour: tuple[int, int, int]) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: tuple[int, int, int]) -> np.ndarray:
    to_xyz = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
    x, y, z = np.cbrt(to_xyz @ linear(colour) / [0.9505, 1.0, 1.0888])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_class_has_a_colour_of_its_own() -> None:
    differences = {
        (a, b): float(np.linalg.norm(lab(CLASSES[a].rgb) - lab(CLASSES[b].rgb)))
        for a, b in combinations(range(NUM_CLASSES), 2)
    }
    assert min(differences.values()) > 28, min(differences, key=lambda pair: differences[pair])


def test_colours_are_legible_on_light_and_dark() -> None:
    for index in range(NUM_CLASSES):
        assert contrast(CLASSES[index].rgb, (255, 255, 255)) > 2.2, index
        assert contrast(CLASSES[index].rgb, INK) > 3.9, index


def test_directions_in_words() -> None:
    assert direction_text(23.4) == "23° left"
    assert direction_text(-70) == "70° right"
    assert direction_text(0.3) == "ahead"
    assert direction_text(nan) == "direction unknown"
    assert place_text(23, 1.84) == "23° left · 1.8 m"
    assert place_text(-5, nan) == "5° right"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.9, "0:07"), (750, "12:30"), (3723, "1:02:03"), (36000, "10:00:00")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_sizes_follow_the_picture() -> None:
    assert Scale(640, 360).unit == pytest.approx(1.0)
    assert Scale(1280, 720).unit == pytest.approx(2.0)
    assert Scale(360, 640).unit == Scale(640, 360).unit
    assert Scale(64, 36).px(0.1) == 1
    assert Scale(360, 640).portrait
    assert not Scale(640, 480).portrait


def test_the_font_has_every_sign_we_write() -> None:
    missing = font(20).getmask("\U000f0000").getbbox()
    for sign in "°·0aZ:":
        assert font(20).getmask(sign).getbbox() not in (None, missing)
