from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.pictures.painter import Painter, SpriteCanvas, blend, colour, mottled, shade

WHITE, RED = (255, 255, 255), (200, 20, 20)


def pixels(painter: Painter) -> np.ndarray:
    return np.asarray(painter.finish())


def test_sizes_and_places_are_metres_from_the_lower_left_corner() -> None:
    painter = Painter(2.0, 1.0, 50, WHITE)
    painter.box(0.2, 0.1, 0.6, 0.4, RED)
    picture = pixels(painter)
    assert picture.shape == (50, 100, 3)
    red = np.argwhere((picture == RED).all(axis=2))
    assert red.min(axis=0).tolist() == [30, 10]
    assert red.max(axis=0).tolist() == [44, 29]


def test_an_outline_has_its_own_colour_and_width() -> None:
    painter = Painter(1.0, 1.0, 50, WHITE)
    painter.box(0.2, 0.2, 0.8, 0.8, RED, outline=((0, 0, 0), 0.1))
    picture = pixels(painter)
    assert picture[25, 12].tolist() == [0, 0, 0]
    assert picture[25, 25].tolist() == list(RED)
    assert picture[25, 5].tolist() == list(WHITE)


def test_shadows_only_darken() -> None:
    painter = Painter(1.0, 1.0, 50, WHITE)
    painter.shadow(0.3, 0.3, 0.7, 0.7, 0.05, 0.5)
    picture = pixels(painter)
    assert picture.max() == 255
    assert 100 < picture[25, 25, 0] < 160


def test_gradients_rise_from_bottom_to_top() -> None:
    painter = Painter(1.0, 1.0, 50, WHITE)
    painter.gradient(0, 0, 1, 1, (0, 0, 0), (200, 200, 200))
    column = pixels(painter)[:, 25, 0].astype(int)
    assert (np.diff(column) <= 0).all()
    assert column[0] > 190 > 10 > column[-1]


@pytest.mark.parametrize(("factor", "expected"), [(0.5, (100, 10, 10)), (2.0, (255, 40, 40))])
def test_shades_stay_within_a_byte(factor: float, expected: tuple[int, int, int]) -> None:
    assert shade(RED, factor) == expected


def test_colours() -> None:
    assert colour(0, 1, 1) == (255, 0, 0)
    assert colour(480, 1, 1) == colour(120, 1, 1) == (0, 255, 0)
    assert blend((0, 0, 0), (100, 200, 50), 0.5) == (50, 100, 25)


def test_mottling_keeps_size_and_mean() -> None:
    image = Painter(1.0, 1.0, 60, (120, 120, 120)).finish()
    noisy = np.asarray(mottled(image, np.random.default_rng(0), 0.05, 0.02, 8))
    assert noisy.shape == (60, 60, 3)
    assert noisy.std() > 1
    assert abs(noisy.mean() - 120) < 6


BLUE = (30, 30, 200)


def alpha(canvas: SpriteCanvas) -> np.ndarray:
    return np.asarray(canvas.finish())[..., 3]


def test_an_empty_canvas_is_transparent() -> None:
    canvas = SpriteCanvas(0.5, 0.3, 100)
    assert alpha(canvas).shape == (30, 50)
    assert not alpha(canvas).any()


def test_shapes_are_placed_from_the_centre_of_the_lower_edge() -> None:
    canvas = SpriteCanvas(1.0, 1.0, 100)
    canvas.box(0.1, 0.2, 0.3, 0.4, RED, bevel=0, cast=0)
    inside = np.argwhere(alpha(canvas) > 250)
    assert inside.min(axis=0).tolist() == [60, 60]
    assert inside.max(axis=0).tolist() == [79, 79]


def test_shift_moves_the_following_shapes_to_the_right() -> None:
    canvas = SpriteCanvas(1.0, 1.0, 100)
    canvas.shift = 0.2
    canvas.ellipse(0.0, 0.5, 0.1, 0.1, RED)
    assert abs(np.argwhere(alpha(canvas) > 128)[:, 1].mean() - 69.5) < 1


def test_later_shapes_cover_earlier_ones() -> None:
    canvas = SpriteCanvas(1.0, 1.0, 100)
    canvas.box(-0.3, 0.2, 0.3, 0.8, RED, bevel=0, cast=0)
    canvas.box(-0.1, 0.4, 0.1, 0.6, BLUE, bevel=0, cast=0)
    picture = np.asarray(canvas.finish())
    assert picture[50, 50].tolist() == [*BLUE, 255]
    assert picture[25, 50].tolist() == [*RED, 255]


def test_opacity_and_light_from_the_upper_left() -> None:
    canvas = SpriteCanvas(1.0, 1.0, 100)
    canvas.ellipse(0, 0.5, 0.3, 0.3, RED, bevel=0.05)
    picture = np.asarray(canvas.finish()).astype(int)
    assert picture[25, 40, 0] > picture[75, 60, 0]
    faint = SpriteCanvas(1.0, 1.0, 100)
    faint.polygon([(-0.3, 0.2), (0.3, 0.2), (0.0, 0.8)], RED, opacity=0.5)
    assert abs(int(alpha(faint).max()) - 128) <= 1


def test_shapes_outside_are_ignored() -> None:
    canvas = SpriteCanvas(0.5, 0.5, 100)
    canvas.limb([(3.0, 3.0), (4.0, 3.0)], [0.1, 0.1], RED)
    canvas.line([(0.0, -2.0), (0.1, -2.0)], 0.02, RED)
    assert not alpha(canvas).any()
