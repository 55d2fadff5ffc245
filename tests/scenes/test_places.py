from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.acoustics.rooms import Room
from earwitness.scenes.sampling.places import DISTANCE, draw_place, draw_walk

ROOM = Room((9.0, 8.0, 3.5), 0.4, (1.0,) * 7, (4.5, 4.0, 1.5))
TINY = Room((1.8, 1.7, 2.3), 0.4, (1.0,) * 7, (0.9, 0.8, 1.5))


@pytest.mark.parametrize("room", [ROOM, TINY], ids=["large", "tiny"])
def test_places_are_in_the_room_and_not_too_close(room: Room) -> None:
    rng = np.random.default_rng(0)
    places = np.stack([draw_place(room, rng) for _ in range(200)])
    assert (places >= 0).all()
    assert (places <= np.asarray(room.size)).all()
    away = np.linalg.norm(places - np.asarray(room.microphone), axis=1)
    assert away.min() >= DISTANCE[0] - 1e-9
    assert away.max() <= DISTANCE[1] + 1e-9


def test_most_sources_are_below_the_microphone() -> None:
    rng = np.random.default_rng(1)
    heights = np.array([draw_place(ROOM, rng)[2] for _ in range(400)])
    assert 0.7 < (heights < ROOM.microphone[2]).mean() < 0.98


@pytest.mark.parametrize(("on_floor", "lowest", "highest"), [(True, 0.0, 0.12), (False, 0.9, 1.75)])
def test_walks_are_straight_and_level(on_floor: bool, lowest: float, highest: float) -> None:
    walk = np.stack(draw_walk(ROOM, 8, 0.3, np.random.default_rng(2), on_floor=on_floor))
    assert np.allclose(np.diff(walk, axis=0), walk[1] - walk[0])
    assert np.linalg.norm(walk[1] - walk[0]) == pytest.approx(0.3)
    assert lowest <= walk[0, 2] <= highest
    assert len(walk) == 8


def test_walks_are_shorter_in_small_rooms() -> None:
    assert 2 <= len(draw_walk(TINY, 12, 0.3, np.random.default_rng(3), on_floor=False)) < 12
