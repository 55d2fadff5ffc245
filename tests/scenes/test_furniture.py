from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from earwitness.scenes.pictures.interior.furniture import Furniture, furnish, stand
from earwitness.scenes.pictures.interior.room_style import RoomStyle

STYLE = replace(RoomStyle.draw(np.random.default_rng(0)), furnished=1.0)
SIZE = (7.0, 5.0, 2.7)
FREE: list[list[tuple[float, float, float]]] = [[], [], [], []]
Footprint = tuple[float, float, float, float]


def furnished(seed: int, openings: list[list[tuple[float, float, float]]] = FREE) -> list[Furniture]:
    return furnish(STYLE, SIZE, openings, lambda footprint: False, np.random.default_rng(seed))


def overlap(one: Footprint, other: Footprint) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("seed", range(6))
def test_furniture_is_in_the_room_at_a_wall_and_apart(seed: int) -> None:
    pieces = furnished(seed)
    assert len(pieces) > 3
    for piece in pieces:
        x0, y0, x1, y1 = piece.footprint
        assert -1e-9 <= x0 < x1 <= SIZE[0] + 1e-9
        assert -1e-9 <= y0 < y1 <= SIZE[1] + 1e-9
        assert min(x0, y0, SIZE[0] - x1, SIZE[1] - y1) < 0.05
        for box in piece.boxes:
            assert all(low < high for low, high in zip(box.low, box.high, strict=True))
            assert 0 <= box.low[2] < box.high[2] <= SIZE[2]
    assert not any(overlap(one.footprint, other.footprint) for one, other in combinations(pieces, 2))


def test_nothing_stands_in_front_of_doors() -> None:
    doors = [[(0.0, 20.0, 0.0)] for _ in range(4)]
    assert furnished(1, doors) == []
    one_free = [*doors[:3], []]
    pieces = furnished(1, one_free)
    assert pieces
    assert all(piece.footprint[1] < 0.05 for piece in pieces)  # the wall on the right


def test_low_furniture_may_stand_below_windows() -> None:
    windows = [[(0.0, 20.0, 1.0)] for _ in range(4)]
    tops = [max(box.high[2] for box in piece.boxes) for seed in range(4) for piece in furnished(seed, windows)]
    assert tops
    free = [max(box.high[2] for box in piece.boxes) for seed in range(4) for piece in furnished(seed)]
    assert max(free) > max(tops)


def test_places_are_kept_clear_and_bare_rooms_have_no_furniture() -> None:
    rng = np.random.default_rng(2)
    assert furnish(STYLE, SIZE, FREE, lambda footprint: True, rng) == []
    assert furnish(replace(STYLE, furnished=0.0), SIZE, FREE, lambda footprint: False, rng) == []


@pytest.mark.parametrize("height", [0.5, 0.94, 0.96, 1.6])
def test_stands_carry_a_source_at_its_height(height: float) -> None:
    piece = stand(STYLE, 2.0, 3.0, height, 0.6)
    assert max(box.high[2] for box in piece.boxes) == pytest.approx(height)
    assert min(box.low[2] for box in piece.boxes) == 0
    x0, y0, x1, y1 = piece.footprint
    assert (x0 + x1) / 2 == pytest.approx(2.0)
    assert (y0 + y1) / 2 == pytest.approx(3.0)
    assert x1 - x0 <= 0.6 + 1e-9
