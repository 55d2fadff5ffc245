from __future__ import annotations

import numpy as np
import pytest

from earwitness.vision.boxes import INDEX, PERSON, Boxes, unknown_keypoints
from earwitness.vision.motion import COLUMNS, MOVING, ROWS
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidate_index import find_candidates
from earwitness.vision.tracking.candidates import Candidate

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
