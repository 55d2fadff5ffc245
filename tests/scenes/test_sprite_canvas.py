from __future__ import annotations

import numpy as np

from earwitness.scenes.pictures.sprite_canvas import SpriteCanvas

RED, BLUE = (200, 30, 30), (30, 30, 200)


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
