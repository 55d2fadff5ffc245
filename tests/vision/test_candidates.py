from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.geometry import Camera
from earwitness.vision.boxes import INDEX, PERSON, Boxes, unknown_keypoints
from earwitness.vision.motion import COLUMNS, MOVING, ROWS
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidate_index import find_candidates
from earwitness.vision.tracking.candidates import HEIGHT_M, Candidate, person_depth, slant_distance
from earwitness.vision.tracking.tracks import Track

SPEECH, CLAP, STEPS, MUSIC = 0, 2, 6, 8
WIDTH, HEIGHT = 320, 180


def observation(boxes: Boxes, motion: np.ndarray | None = None, bars: int = 0) -> Observation:
    grids = np.zeros((10, ROWS, COLUMNS), np.uint8) if motion is None else motion
    content = (0, bars, WIDTH, HEIGHT - bars)
    return Observation(WIDTH, HEIGHT, content, np.array([0, 5]), (boxes, boxes), grids)


def person(**places: tuple[float, float, float]) -> Boxes:
    keypoints = unknown_keypoints(1)
    for name, place in places.items():
        keypoints[0, INDEX[name]] = place
    return Boxes.of([(100, 36, 140, 144)], [0.9], PERSON, keypoints)


def only(candidates: list[Candidate]) -> Candidate:
    (one,) = candidates
    return one


def test_each_class_is_as_high_as_what_makes_it() -> None:
    seen = person(
        mouth=(120, 45, 0.9), left_wrist=(110, 90, 0.8), right_wrist=(130, 108, 0.8), left_ankle=(115, 200, 0.1),
        right_ankle=(125, 196, 0.1),
    )  # fmt: skip
    one = only(find_candidates(observation(seen), 90.0))
    np.testing.assert_allclose(one.row[SPEECH], 45 / HEIGHT, atol=1e-6)
    np.testing.assert_allclose(one.row[CLAP], 99 / HEIGHT, atol=1e-6)
    # Feet below the picture are guessed by the network, which is not sure of them.
    np.testing.assert_allclose(one.row[STEPS], 198 / HEIGHT, atol=1e-6)
    np.testing.assert_allclose(one.row[MUSIC], 90 / HEIGHT, atol=1e-6)
    np.testing.assert_allclose(one.span, np.tile([36 / HEIGHT, 144 / HEIGHT], (10, 1)), atol=1e-6)


def test_of_a_face_alone_hands_and_feet_are_below() -> None:
    face = Boxes.of([(100, 36, 124, 60)], [0.9], PERSON, unknown_keypoints(1))
    one = only(find_candidates(observation(face), 90.0))
    np.testing.assert_allclose(one.row[SPEECH], 48 / HEIGHT, atol=1e-6)
    np.testing.assert_allclose(one.row[CLAP], (48 + 4 * 24) / HEIGHT, atol=1e-6)
    np.testing.assert_allclose(one.row[STEPS], (48 + 8 * 24) / HEIGHT, atol=1e-6)


def test_black_bars_are_not_picture() -> None:
    one = only(find_candidates(observation(person(mouth=(120, 45, 0.9)), bars=20), 90.0))
    np.testing.assert_allclose(one.row[SPEECH], 25 / 140, atol=1e-6)
    np.testing.assert_allclose(one.span[0], [16 / 140, 124 / 140], atol=1e-6)


@pytest.mark.parametrize("rest", [2, 20])
def test_what_moves_rests_and_moves_again_is_one_thing_that_is_known_to_have_rested(rest: int) -> None:
    frames = 12 + rest
    motion = np.zeros((frames, ROWS, COLUMNS), np.uint8)
    for frame in [*range(2, 6), *range(6 + rest, 10 + rest)]:
        motion[frame, 20:24, 40:44] = 200
    seen = Observation(WIDTH, HEIGHT, (0, 0, WIDTH, HEIGHT), np.array([0]), (Boxes.none(),), motion)
    one = only(find_candidates(seen, 90.0))
    assert one.label == MOVING
    assert np.isfinite(one.azimuth[MUSIC]).all()
    moves = one.motion > 0
    assert moves.sum() == 8
    assert not moves[6 - one.start : 6 + rest - one.start].any()


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
    assert person_depth(standing(ahead, left, lean_deg), CAMERA)[0] == pytest.approx(ahead, rel=1e-3)


def test_who_is_seen_slantwise_is_not_taken_for_nearer_than_the_longest_says() -> None:
    one = standing(2.0)
    points = one.keypoints.copy()
    points[0, INDEX["nose"], 1] += 20  # looks down
    bowed = Track(PERSON, 0, one.xyxy, points, 0.9, 1)
    assert person_depth(bowed, CAMERA)[0] == pytest.approx(2.0, rel=1e-3)


def test_things_faces_and_nonsense_have_no_known_distance() -> None:
    one = standing(2.0)
    assert np.isnan(person_depth(Track("motion", 0, one.xyxy, one.keypoints, 0.9, 1), CAMERA)).all()
    assert np.isnan(person_depth(Track(PERSON, 0, one.xyxy, unknown_keypoints(1), 0.9, 1), CAMERA)).all()
    flat = one.keypoints.copy()
    flat[..., :2] = 100
    assert np.isnan(person_depth(Track(PERSON, 0, one.xyxy, flat, 0.9, 1), CAMERA)).all()


def test_slant_is_the_length_of_the_ray() -> None:
    ahead, left, up = 2.0, -1.3, -0.7
    azimuth, below = np.degrees(np.arctan2(left, ahead)), -CAMERA.focal_px * up / ahead
    found = slant_distance(np.array([ahead]), np.array([azimuth]), np.array([below]), CAMERA)
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
