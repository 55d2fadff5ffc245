from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from earwitness.scenes.pictures.interior.room_style import FITTINGS, FLOORS, WALLPAPERS, RoomStyle
from earwitness.scenes.pictures.interior.surfaces import ceiling, floor, wall

STYLE = RoomStyle.draw(np.random.default_rng(0))
LIMITS = {fitting.name: fitting.limit for fitting in FITTINGS}


@pytest.mark.parametrize("paper", sorted(set(WALLPAPERS)))
def test_walls_have_their_size_and_free_parts_for_what_hangs_there(paper: str) -> None:
    hung: Counter[str] = Counter()
    picture, openings = wall(replace(STYLE, wallpaper=paper), 0, 6.0, 2.6, 40, hung, np.random.default_rng(1))
    assert picture.size == (240, 104)
    assert sum(hung.values()) == len(openings) > 0
    assert all(0 < start < end < 6.0 and 0 <= low < 2.6 for start, end, low in openings)
    assert all(one[1] < two[0] for one, two in pairwise(openings))


def test_a_room_has_at_most_as_many_fittings_of_a_kind_as_allowed() -> None:
    hung: Counter[str] = Counter()
    rng = np.random.default_rng(2)
    for index in range(4):
        wall(STYLE, index, 15.0, 3.0, 20, hung, rng)
    assert sum(hung.values()) > 6
    assert all(count <= LIMITS[name] for name, count in hung.items())


def test_the_accent_wall_has_its_own_colour() -> None:
    style = replace(STYLE, wallpaper="plain", wall=(230, 230, 230), accent=(90, 120, 160), accent_wall=2)
    empty = Counter(LIMITS)  # nothing more may hang there
    pictures = [
        np.asarray(wall(style, index, 3.0, 2.5, 30, empty.copy(), np.random.default_rng(3))[0]) for index in (0, 2)
    ]
    medians = [np.median(picture[10:60], axis=(0, 1)) for picture in pictures]
    assert medians[0].min() > 200
    assert medians[1].max() < 190


@pytest.mark.parametrize("kind", sorted(set(FLOORS)))
def test_floors_are_of_their_size_and_the_same_for_the_same_seed(kind: str) -> None:
    style = replace(STYLE, floor=kind, floor_colour=(150, 110, 80))
    first, again, other = (np.asarray(floor(style, 3.0, 2.0, 50, np.random.default_rng(seed))) for seed in (4, 4, 5))
    assert first.shape == (100, 150, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("panels", [False, True])
def test_lamps_are_the_brightest_parts_of_a_ceiling(panels: bool) -> None:
    style = replace(STYLE, panels=panels, ceiling=(180, 180, 178))
    lamps = [(1.0, 1.0), (3.0, 1.0)]
    picture = np.asarray(ceiling(style, 4.0, 2.0, lamps, 50, np.random.default_rng(6))).astype(int).sum(axis=2)
    for x, y in lamps:
        assert picture[100 - round(y * 50), round(x * 50)] > np.median(picture) + 60
