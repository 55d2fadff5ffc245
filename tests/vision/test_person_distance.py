from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.geometry import Camera
from earwitness.vision.boxes import INDEX, PERSON, Boxes, unknown_keypoints
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidate_index import find_candidates
from earwitness.vision.tracking.person_distance import HEIGHT_M, depth, slant
from earwitness.vision.tracking.tracks import Track

CAMERA = Camera(640, 360, 100.0)
EYE_LEVEL_M = 1.5
SHARES = {"nose": 0.92, "left_shoulder": 0.818, "right_shoulder": 0.818, "left_hip": 0.53, "right_hip": 0.53}


def standing(ahead: float, left: float = 0.0, lean_deg: float = 0.0) -> Track:
    """Somebody of usual height at a place in metres, as the pinhole camera sees the trunk and the nose."""
    points = unknown_keypoints(1)
    lean = np.radians(lean_deg)
    for name, share in SHARES.items():
        above_hips = (share - 0.53) * HEIGHT_M
        up = 0.53 * HEIGHT_M + above_hips * np.cos(lean) - EYE_LEVEL_M
        aside = left + above_hips * np.sin(lean)
        column, row = 320 - CAMERA.focal_px * aside / ahead, 180 - CAMERA.focal_px * up / ahead
        points[0, INDEX[name]] = column, row, 0.9
    return Track(PERSON, 0, np.float32([[300, 100, 340, 300]]), points, 0.9, 1)


@pytest.mark.parametrize("ahead", [0.6, 1.5, 4.0])
@pytest.mark.parametrize("left", [0.0, 1.2])
@pytest.mark.parametrize("lean_deg", [0.0, 35.0])
def test_size_tells_the_depth(ahead: float, left: float, lean_deg: float) -> None:
    assert depth(standing(ahead, left, lean_deg), CAMERA)[0] == pytest.approx(ahead, rel=1e-3)


def test_who_is_seen_slantwise_is_not_taken_for_nearer_than_the_longest_says() -> None:
    one = standing(2.0)
    points = one.keypoints.copy()
    points[0, INDEX["nose"], 1] += 20  # looks down
    bowed = Track(PERSON, 0, one.xyxy, points, 0.9, 1)
    assert depth(bowed, CAMERA)[0] == pytest.approx(2.0, rel=1e-3)


def test_things_faces_and_nonsense_have_no_known_distance() -> None:
    one = standing(2.0)
    assert np.isnan(depth(Track("motion", 0, one.xyxy, one.keypoints, 0.9, 1), CAMERA)).all()
    assert np.isnan(depth(Track(PERSON, 0, one.xyxy, unknown_keypoints(1), 0.9, 1), CAMERA)).all()
    flat = one.keypoints.copy()
    flat[..., :2] = 100
    assert np.isnan(depth(Track(PERSON, 0, one.xyxy, flat, 0.9, 1), CAMERA)).all()


def test_slant_is_the_length_of_the_ray() -> None:
    ahead, left, up = 2.0, -1.3, -0.7
    azimuth, below = np.degrees(np.arctan2(left, ahead)), -CAMERA.focal_px * up / ahead
    found = slant(np.array([ahead]), np.array([azimuth]), np.array([below]), CAMERA)
    assert found[0] == pytest.approx(np.sqrt(ahead**2 + left**2 + up**2))


def test_a_candidate_knows_its_distance_for_each_class() -> None:
    one = standing(2.0, 0.8)
    seen = Boxes.of(one.xyxy, [0.9], PERSON, one.keypoints)
    motion = np.zeros((10, 36, 64), np.uint8)
    observation = Observation(640, 360, (0, 0, 640, 360), np.array([0, 5]), (seen, seen), motion)
    (candidate,) = (found for found in find_candidates(observation, 100.0) if found.label == PERSON)
    nose_up = 0.92 * HEIGHT_M - EYE_LEVEL_M
    assert candidate.distance.shape == (13, 10)
    np.testing.assert_allclose(candidate.distance[1], np.sqrt(2.0**2 + 0.8**2 + nose_up**2), rtol=1e-3)
