from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import MediaError, UnreadableMediaError
from earwitness.core.geometry import Camera
from earwitness.scenes.pictures.interior.furniture import Box, Furniture
from earwitness.scenes.pictures.interior.panorama import Interior, draw_interior, load_panorama
from earwitness.scenes.pictures.perspective import view

SIZE, EYE = (6.0, 4.0, 2.7), (2.5, 1.5, 1.4)
SMALL = Camera(width=160, height=90)


def _room(seed: int = 0, **options: object) -> Interior:
    return draw_interior(SIZE, EYE, np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def _look(room: Interior, ahead: float, left: float, up: float) -> tuple[np.ndarray, float]:
    picture, depth = room.cast(*(np.full((2, 2), part, dtype=np.float32) for part in (ahead, left, up)), pixel=0.005)
    return picture[0, 0], float(depth[0, 0])


def test_same_seed_same_room_other_seed_other_room() -> None:
    first, again, other = (_room(seed).panorama(240) for seed in (3, 3, 4))
    assert first.shape == (120, 240, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("yaw", [0.0, 75.0, 190.0])
def test_views_agree_with_the_panorama(yaw: float) -> None:
    room = _room(1)
    direct, _ = room.view(SMALL, yaw)
    by_way = view(room.panorama(720), yaw, SMALL)
    assert np.abs(direct.astype(int) - by_way).mean() < 6
    turned, _ = room.view(SMALL, yaw + 40)
    assert np.abs(turned.astype(int) - by_way).mean() > 12


def test_furniture_is_where_it_stands_and_nothing_is_in_front_of_it() -> None:
    red = Furniture((Box((4.0, 1.0, 0.0), (4.5, 2.0, 1.0), (255, 0, 0)),), (4.0, 1.0, 4.5, 2.0), 0.4)
    room = _room(2, stands=lambda style: [red], keep_clear=lambda footprint: True)
    colour, distance = _look(room, 1.5, 0.0, -0.9)
    assert colour[0] > 3 * max(int(colour[1]), int(colour[2]), 1)
    assert distance == pytest.approx(np.hypot(1.5, 0.9), rel=1e-4)
    # Above its top and past its side the look goes on to the room's own surfaces.
    assert _look(room, 1.5, 0.0, -0.3)[1] == np.inf
    assert _look(room, 1.5, 0.6, -0.9)[1] == np.inf


def test_furniture_keeps_clear_of_the_camera_and_of_forbidden_places() -> None:
    for seed in range(8):
        room = _room(seed, keep_clear=lambda footprint: footprint[2] > 3.0)
        for piece in room.furniture:
            x0, y0, x1, y1 = piece.footprint
            assert x1 <= 3.0
            assert not (x0 < EYE[0] < x1 and y0 < EYE[1] < y1)
            assert x0 >= 0
            assert y0 >= 0
            assert y1 <= SIZE[1]


def test_brightness_is_that_of_a_camera() -> None:
    means = [float(_room(seed).panorama(192).mean()) for seed in range(6)]
    assert min(means) > 95
    assert max(means) < 190


@pytest.mark.parametrize("size", [(100, 50), (1921, 960)])
def test_loads_the_users_own_photo(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGBA", size, (10, 200, 30, 255)).save(path)
    photo = load_panorama(path)
    assert photo.shape == (size[1], size[0], 3)
    assert (photo == (10, 200, 30)).all()


def test_refuses_other_shapes_and_names_the_size(tmp_path: Path) -> None:
    path = tmp_path / "flat.jpg"
    Image.new("RGB", (160, 90)).save(path)
    with pytest.raises(MediaError, match="160x90"):
        load_panorama(path)


def test_refuses_what_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "junk.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(UnreadableMediaError, match=r"junk\.jpg"):
        load_panorama(path)
    with pytest.raises(UnreadableMediaError):
        load_panorama(tmp_path / "missing.png")
