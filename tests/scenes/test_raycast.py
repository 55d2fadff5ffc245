from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from earwitness.scenes.pictures.interior.furniture import Box
from earwitness.scenes.pictures.interior.raycast import Hit, TextureAtlas, edges

SIZE, CAMERA = (6.0, 4.0, 3.0), (2.0, 1.0, 1.5)
DIRECTIONS = {
    (1, 0, 0): (0, 4.0), (-1, 0, 0): (1, 2.0), (0, 1, 0): (2, 3.0), (0, -1, 0): (3, 1.0), (0, 0, 1): (4, 1.5),
    (0, 0, -1): (5, 1.5),
}  # fmt: skip


def rays(*directions: tuple[float, float, float]) -> np.ndarray:
    stacked = np.array(directions, dtype=np.float32).T
    return np.asarray(stacked / np.linalg.norm(stacked, axis=0))


@pytest.mark.parametrize(("direction", "expected"), DIRECTIONS.items())
def test_axis_parallel_rays_hit_the_surface_ahead(
    direction: tuple[float, float, float], expected: tuple[int, float]
) -> None:
    hit = Hit.of_walls(rays(direction), SIZE, CAMERA)
    assert (int(hit.texture[0]), float(hit.reach[0])) == (expected[0], pytest.approx(expected[1], abs=1e-4))


def test_oblique_rays_end_within_the_room() -> None:
    unit = rays(*np.random.default_rng(0).normal(size=(500, 3)).tolist())
    hit = Hit.of_walls(unit, SIZE, CAMERA)
    ends = np.asarray(CAMERA)[:, None] + hit.reach * unit
    assert (ends > -1e-3).all()
    assert (np.asarray(SIZE) + 1e-3 > ends.T).all()
    assert hit.u.min() >= -1e-5
    assert hit.v.max() <= 1 + 1e-5


def test_boxes_hide_only_what_is_behind_them() -> None:
    unit = rays((1, 0, 0), (0, 1, 0), (-1, 0, 0))
    hit = Hit.of_walls(unit, SIZE, CAMERA)
    box = Box((4.0, 0.5, 1.0), (5.0, 1.5, 2.0), (10, 20, 30))
    hit.meet_boxes(unit, CAMERA, (box,), np.full((1, 6), 9))
    assert hit.texture.tolist() == [9, 2, 1]
    assert hit.reach[0] == pytest.approx(2.0)
    assert hit.face[0] == 1, "the face towards the camera looks backwards"


def test_textures_are_sampled_in_their_own_colours_and_at_the_fitting_level() -> None:
    atlas = TextureAtlas()
    plain = atlas.add(Image.new("RGB", (32, 32), (10, 20, 30)), 1.0)
    checks = Image.fromarray((np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)).convert("RGB")
    number = atlas.add(checks, 1.0)
    middle = np.array([0.51], dtype=np.float32)
    assert atlas.sample(np.array([plain]), middle, middle, np.array([0.001], np.float32))[:, 0].tolist() == [10, 20, 30]
    coarse = atlas.sample(np.array([number]), middle, middle, np.array([0.2], np.float32))
    assert np.abs(coarse - 127.5).max() < 3, "far away, a checkerboard is grey"


def test_edges_are_beside_another_surface() -> None:
    texture = np.zeros((4, 5), dtype=np.intp)
    texture[:, 3:] = 1
    columns = edges(texture) % 5
    assert set(columns.tolist()) == {2, 3}
    assert not edges(np.zeros((3, 3), dtype=np.intp)).size
