from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.acoustics.rooms import BAND_CENTRES_HZ, REFERENCE_BANDS, Room
from earwitness.scenes.acoustics.simulated_rooms import (
    DISTANCE,
    MICROPHONE_MARGIN,
    ROOM_KINDS,
    draw_place,
    draw_room_of_kind,
    draw_walk,
)


def test_rooms_are_within_the_ranges_of_their_kinds() -> None:
    kinds = {kind.name: kind for kind in ROOM_KINDS}
    rng = np.random.default_rng(4)
    rooms = [draw_room_of_kind(rng) for _ in range(120)]
    assert {room.kind for room in rooms} == set(kinds)
    for room in rooms:
        kind = kinds[room.kind]
        for side, (low, high) in zip(room.size, (kind.length, kind.width, kind.height), strict=True):
            assert low <= side <= high
        for place, side in zip(room.microphone[:2], room.size[:2], strict=True):
            margin = min(MICROPHONE_MARGIN, side / 3)
            assert margin - 1e-9 <= place <= side - margin + 1e-9
        assert room.rt60 >= room.shortest_rt60 - 1e-9
        assert len(room.band_factors) == len(BAND_CENTRES_HZ)
        assert np.mean([room.band_factors[band] for band in REFERENCE_BANDS]) == pytest.approx(1)


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
