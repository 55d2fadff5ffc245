from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import CLASSES
from earwitness.vision.boxes import INDEX, PERSON, Boxes, unknown_keypoints
from earwitness.vision.candidates import (
    HEIGHT_M,
    Candidate,
    CandidateIndex,
    find_candidates,
    person_depth,
    slant_distance,
)
from earwitness.vision.motion import COLUMNS, MOVING, ROWS, UNKNOWN
from earwitness.vision.observe import Observation
from earwitness.vision.tracks import Track

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


FRAMES = 900


@pytest.fixture(scope="module")
def long_observation() -> Observation:
    """A minute and a half: somebody walks through, somebody comes back, things move and rest."""
    random = np.random.default_rng(3)
    motion = np.zeros((FRAMES, ROWS, COLUMNS), dtype=np.uint8)
    motion[:500, 10:14, 10:13] = random.integers(0, 250, (500, 4, 3)) * (random.random((500, 1, 1)) < 0.1)
    for frame in range(300, FRAMES):
        column = frame // 5 % 70
        motion[frame, 25:30, column : column + 4] = 200 if frame % 50 < 30 else 0
    motion[400] = UNKNOWN
    looks, boxes = np.arange(0, FRAMES, 5), []
    for frame in looks.tolist():
        people = [[frame / 4, 60, frame / 4 + 40, 160]] if 100 <= frame < 700 else []
        people += [[250, 40, 300, 120]] if frame < 200 or frame > 600 else []
        points = random.uniform(0, 180, (len(people), 18, 3)).astype(np.float32)
        points[..., 2] = random.random((len(people), 18))
        points[random.random((len(people), 18)) < 0.6] = (np.nan, np.nan, 0)
        for row, (left, top, right, _) in enumerate(people):  # tracking relies on noses
            points[row, INDEX["nose"], :2] = (left + right) / 2, top + 10
        boxes.append(Boxes.of(np.reshape(people, (-1, 4)), random.uniform(0.3, 0.9, len(people)), PERSON, points))
    return Observation(WIDTH, HEIGHT, (0, 0, WIDTH, HEIGHT), looks, tuple(boxes), motion)


def cut(whole: Candidate, first: int, stop: int) -> dict[str, object]:
    """The values of a candidate within a stretch, from those of all of its time."""
    low, high = max(first, whole.start) - whole.start, min(stop, whole.stop) - whole.start
    values = {each.name: getattr(whole, each.name) for each in fields(whole)}
    for name in ("azimuth", "row", "distance"):
        values[name] = values[name][:, low:high]
    for name in ("span", "xyxy", "width", "motion"):
        values[name] = values[name][low:high]
    return values | {"start": whole.start + low}


@cache
def found_in(long_observation: Observation) -> list[Candidate]:
    return find_candidates(long_observation, 90.0)


@given(st.integers(0, FRAMES - 1), st.integers(1, 400))
@settings(deadline=None, max_examples=8)
def test_a_stretch_is_that_part_of_the_whole(long_observation: Observation, first: int, length: int) -> None:
    stop = first + length
    expected = [one for one in found_in(long_observation) if one.start < stop and one.stop > first]
    found = CandidateIndex(long_observation, 90.0).during(first, stop)
    assert [one.number for one in found] == [one.number for one in expected]
    for one, whole in zip(found, expected, strict=True):
        for name, value in cut(whole, first, stop).items():
            np.testing.assert_array_equal(getattr(one, name), value, err_msg=name)


def test_the_whole_is_what_was_drawn(long_observation: Observation) -> None:
    found = find_candidates(long_observation, 90.0)
    people = [one for one in found if one.label == PERSON]
    assert [one.number for one in found] == list(range(len(found)))
    assert sorted((one.start, one.stop, one.sightings) for one in people) == [
        (0, 201, 40),
        (95, 701, 120),
        (600, 900, 59),
    ]
    assert [one.label for one in found[3:]] == [MOVING] * (len(found) - 3)
    assert len(found) > 4


def test_directions_come_stretch_by_stretch(long_observation: Observation) -> None:
    candidate_index = CandidateIndex(long_observation, 90.0)
    for whole in find_candidates(long_observation, 90.0):
        np.testing.assert_array_equal(
            np.concatenate(list(candidate_index.azimuths(whole.number)), axis=1), whole.azimuth
        )


def test_what_moves_within_somebody_may_be_a_thing_that_sounds_but_no_voice() -> None:
    frames = 40
    motion = np.zeros((frames, ROWS, COLUMNS), dtype=np.uint8)
    motion[10:30, 20:24, 30:34] = 200
    looks = np.arange(0, frames, 5)
    somebody = Boxes.of([(100, 60, 160, 160)], [0.9], PERSON, unknown_keypoints(1))
    seen = Observation(WIDTH, HEIGHT, (0, 0, WIDTH, HEIGHT), looks, (somebody,) * len(looks), motion)
    person, region = find_candidates(seen, 90.0)
    assert (person.label, region.label) == (PERSON, MOVING)
    for sound_class in CLASSES:
        assert np.isfinite(region.azimuth[sound_class.index]).all() != sound_class.human
    assert next(iter(CandidateIndex(seen, 90.0).azimuths(1))).shape == region.azimuth.shape
