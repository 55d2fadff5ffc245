from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from earwitness.core.geometry import DCASE_CAMERA
from earwitness.scenes.pictures.billboard import NEAR, Billboard, Patch, project, shadow

RED = Image.new("RGBa", (40, 40), (200, 0, 0, 255))


def centre(patch: Patch) -> tuple[float, float]:
    rows, columns = np.nonzero(patch.keep[..., 0] < 128)
    return patch.x + float(columns.mean()) + 0.5, patch.y + float(rows.mean()) + 0.5


@pytest.mark.parametrize("azimuth", [-40.0, -15.0, 0.0, 25.0, 45.0])
def test_a_billboard_is_shown_in_its_direction(azimuth: float) -> None:
    angle = np.radians(azimuth)
    board = Billboard(3 * float(np.cos(angle)), 3 * float(np.sin(angle)), -0.05, 0.1, 0.1)
    patch = project(board, RED, DCASE_CAMERA, None)
    assert patch is not None
    column, row = centre(patch)
    assert DCASE_CAMERA.azimuth(np.array([column]))[0] == pytest.approx(azimuth, abs=0.5)
    assert row == pytest.approx(DCASE_CAMERA.height / 2, abs=1)


def test_size_is_inverse_to_distance() -> None:
    near, far = (project(Billboard(away, 0, -0.2, 0.4, 0.4), RED, DCASE_CAMERA, None) for away in (1.0, 2.0))
    assert near is not None
    assert far is not None
    assert (near.keep < 128).sum() == pytest.approx(4 * (far.keep < 128).sum(), rel=0.1)


@pytest.mark.parametrize(
    "board", [Billboard(-2, 0, 0, 1, 1), Billboard(NEAR / 2, 0, 0, 1, 1), Billboard(1, 9, 0, 1, 1)]
)
def test_billboards_out_of_sight_are_not_shown(board: Billboard) -> None:
    assert project(board, RED, DCASE_CAMERA, None) is None


def test_closer_objects_cover_a_billboard() -> None:
    board = Billboard(2.0, 0, -0.5, 1, 1)
    depth = np.full((DCASE_CAMERA.height, DCASE_CAMERA.width), np.inf, dtype=np.float32)
    depth[:, : DCASE_CAMERA.width // 2] = 1.0
    patch = project(board, RED, DCASE_CAMERA, depth)
    assert patch is not None
    assert centre(patch)[0] > DCASE_CAMERA.width / 2


def test_mirroring_swaps_the_sides_of_the_picture() -> None:
    half = Image.new("RGBa", (40, 40), (0, 0, 0, 0))
    half.paste((200, 0, 0, 255), (0, 0, 20, 40))
    sides = [
        centre(patch)[0] - DCASE_CAMERA.width / 2
        for mirrored in (False, True)
        if (patch := project(Billboard(2, 0, -0.5, 1, 1, mirrored), half, DCASE_CAMERA, None)) is not None
    ]
    assert sides[0] < -10
    assert sides[1] == pytest.approx(-sides[0], abs=1)


def test_shadows_are_on_the_ground_below_the_board() -> None:
    patch = shadow(Billboard(4.0, 0, -1.5, 0.6, 1.7), DCASE_CAMERA, None)
    assert patch is not None
    assert patch.y > DCASE_CAMERA.height / 2
    assert not patch.colour.any()
    assert shadow(Billboard(2.0, 0, 0.5, 0.6, 1.7), DCASE_CAMERA, None) is None


def test_compositing_two_patches_equals_compositing_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    parts = [
        Patch(x, y, np.minimum(rng.integers(0, 256, (8, 9, 3)), 255 - keep).astype(np.uint8), keep.astype(np.uint8))
        for x, y in ((2, 3), (6, 5))
        for keep in [rng.integers(0, 256, (8, 9, 1))]
    ]
    ground = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    one, both = ground.copy(), ground.copy()
    for part in parts:
        part.composite(one)
    parts[1].over(parts[0]).composite(both)
    assert np.abs(one.astype(int) - both).max() <= 2
    assert (one[15:] == ground[15:]).all()
