from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from earwitness.scenes.pictures.interior.room_style import FITTINGS, FLOORS, WALLPAPERS, Fitting, RoomStyle, books
from earwitness.scenes.pictures.painter import Painter

WALL = (200, 200, 200)


def test_styles_are_reproducible_and_varied() -> None:
    styles = [RoomStyle.draw(np.random.default_rng(seed)) for seed in range(60)]
    assert styles == [RoomStyle.draw(np.random.default_rng(seed)) for seed in range(60)]
    assert {style.wallpaper for style in styles} == set(WALLPAPERS)
    assert {style.floor for style in styles} == set(FLOORS)
    assert {style.accent_wall for style in styles} == {0, 1, 2, 3, 4}
    assert all(0 <= style.furnished <= 1 and 0 <= style.daylight <= 1 for style in styles)


def painted(fitting: Fitting, x: float, width: float) -> np.ndarray:
    painter = Painter(4.0, 2.6, 80, WALL)
    fitting.paint(painter, RoomStyle.draw(np.random.default_rng(1)), x, width, np.random.default_rng(2))
    picture: Image.Image = painter.finish()
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize("fitting", FITTINGS, ids=lambda one: f"{one.name}, {one.width[1]} m")
def test_fittings_are_painted_where_they_hang(fitting: Fitting) -> None:
    x, width = 1.4, sum(fitting.width) / 2
    rows, columns = np.nonzero((painted(fitting, x, width) != WALL).any(axis=2))
    middle = (columns.min() + columns.max()) / 2 / 80
    assert middle == pytest.approx(x + width / 2, abs=0.2)
    assert columns.max() - columns.min() > 0.7 * width * 80
    lowest = 2.6 - rows.max() / 80
    below = 0.9 if fitting.name == "window" else 0.35  # a radiator, or a shadow
    assert lowest > fitting.low - below


def test_books_fill_a_shelf_and_stay_on_it() -> None:
    painter = Painter(2.0, 1.0, 100, WALL)
    books(painter, 0.5, 0.3, 0.8, 0.3, np.random.default_rng(3))
    rows, columns = np.nonzero((np.asarray(painter.finish()) != WALL).any(axis=2))
    assert 45 <= columns.min() <= columns.max() <= 135
    assert 35 <= rows.min() <= rows.max() <= 72
