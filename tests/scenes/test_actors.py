from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from earwitness.core.geometry import DCASE_CAMERA
from earwitness.scenes.acoustics.rooms import Room
from earwitness.scenes.pictures.actors import Actor, place_bystanders, places, to_room
from earwitness.scenes.pictures.cutouts import Cutout, CutoutLibrary
from earwitness.scenes.scene import SourceTrack

ROOM = Room((6.0, 5.0, 3.0), 0.3, (1.0,) * 7, (3.0, 2.0, 1.4))


def actor(*path: tuple[float, float]) -> Actor:
    def draw(state: str, phase: int, scale: float) -> Image.Image:
        return Image.new("RGBA", (4, 4))

    cutout = Cutout("bell", "box", 0.4, 0.5, 0.3, "floor", 4.0, MappingProxyType({"idle": 1, "sounding": 2}), draw)
    active = np.arange(len(path)) % 2 == 0
    return Actor(cutout, 1.0, -1.4, np.array(path, dtype=float), active, 0)


def test_a_static_actor_never_moves() -> None:
    still = actor((2.0, 0.5))
    assert still.stays
    assert not still.moving(0.3)
    assert still.place(7.0) == (2.0, 0.5)


def test_a_moving_actor_is_interpolated_between_frame_centres() -> None:
    walker = actor(*((2.0, 0.1 * step) for step in range(10)))
    assert walker.place(0.05) == pytest.approx((2.0, 0.0))
    assert walker.place(0.10) == pytest.approx((2.0, 0.05))
    assert walker.velocity(0.5) == pytest.approx((0.0, 1.0))
    assert walker.board(0.5).mirrored, "it faces left"
    assert not actor(*((2.0, -0.1 * step) for step in range(10))).board(0.5).mirrored


def test_activity_follows_the_label_frames() -> None:
    walker = actor((2.0, 0.0), (2.0, 0.1), (2.0, 0.2))
    assert [walker.sounding(time) for time in (0.05, 0.15, 0.25, 9.0)] == [True, False, True, True]


def test_positions_of_a_track() -> None:
    columns = [np.array([value]) for value in (90.0, 30.0, 2.0)]
    ground, up = places(SourceTrack("bell", np.ones(1, bool), *columns))
    assert ground[0] == pytest.approx([0.0, 2 * np.cos(np.radians(30))], abs=1e-9)
    assert up[0] == pytest.approx(1.0)


def test_room_coordinates_are_relative_to_the_rotated_camera() -> None:
    ahead = np.array([[1.0, 0.0]])
    assert to_room(ahead, ROOM, 0.0)[0] == pytest.approx([4.0, 2.0])
    assert to_room(ahead, ROOM, 90.0)[0] == pytest.approx([3.0, 1.0])


def test_bystanders_are_silent_visible_and_apart_from_sources() -> None:
    source = actor((2.0, 0.0))
    for seed in range(20):
        found = place_bystanders([source], CutoutLibrary(), DCASE_CAMERA, ROOM, 0.0, 2.0, np.random.default_rng(seed))
        for one in found:
            assert not one.active.any()
            azimuth = np.degrees(np.arctan2(one.path[0, 1], one.path[0, 0]))
            assert abs(azimuth) <= DCASE_CAMERA.horizontal_fov_deg / 2
            assert np.hypot(*(one.path[0] - source.path[0])) > 0.2
