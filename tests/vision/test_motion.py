from __future__ import annotations

import numpy as np

from earwitness.vision.motion import COLUMNS, ROWS, UNKNOWN, MotionMeter, is_still, motion_within, moving_regions
from films import scene


def grids(*pictures: np.ndarray) -> np.ndarray:
    meter = MotionMeter()
    return np.stack([meter.grid(picture) for picture in pictures])


def test_only_what_moves_is_seen() -> None:
    still, moved = scene(100), scene(110)
    found = grids(still, still.copy(), moved)
    assert (found[0] == UNKNOWN).all()
    assert is_still(found[1])
    boxes = moving_regions(found[2], 320, 180)
    assert 1 <= len(boxes) <= 2
    np.testing.assert_allclose(boxes.xyxy[:, 0].min(), 100, atol=5)
    np.testing.assert_allclose(boxes.xyxy[:, 2].max(), 150, atol=5)
    assert ((boxes.score > 0) & (boxes.score < 1)).all()


def test_a_picture_that_is_shown_again_has_not_come_to_rest() -> None:
    first, second = scene(100), scene(110)
    found = grids(first, second, second)
    np.testing.assert_array_equal(found[1], found[2])
    assert found[2].any()


def test_a_moving_camera_says_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (180, 320, 3), dtype=np.uint8)
    found = grids(noise, np.roll(noise, 9, axis=1))
    assert (found[1] == UNKNOWN).all()
    assert len(moving_regions(found[1], 320, 180)) == 0
    assert not is_still(found[1])


def test_motion_within_a_box() -> None:
    found = grids(scene(100), scene(104), scene(104).copy())
    box = np.array([[90, 90, 160, 150]] * 3, np.float32)
    amount = motion_within(found, box, 320, 180)
    assert np.isnan(amount[0])
    assert amount[1] > 0.3
    assert amount[2] == 0
    elsewhere = np.array([[200, 10, 300, 80]] * 3, np.float32)
    assert motion_within(found, elsewhere, 320, 180)[1] == 0
    assert np.isnan(motion_within(found, box * np.nan, 320, 180)).all()
    assert np.isnan(motion_within(found, box + 5000, 320, 180)).all()


def test_codec_noise_is_not_motion() -> None:
    rng = np.random.default_rng(1)
    pictures = [np.clip(scene(100) + rng.normal(0, 3, (180, 320, 3)), 0, 255).astype(np.uint8) for _ in range(3)]
    assert (grids(*pictures)[1:] > 0).mean() < 0.001
    assert grids(*pictures).shape == (3, ROWS, COLUMNS)
