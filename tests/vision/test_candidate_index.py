from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.vocabulary import CLASSES
from earwitness.vision.boxes import PERSON, Boxes, unknown_keypoints
from earwitness.vision.motion import COLUMNS, MOVING, ROWS, UNKNOWN
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidate_index import CandidateIndex, find_candidates
from earwitness.vision.tracking.candidates import Candidate

WIDTH, HEIGHT, FRAMES = 320, 180, 900


@pytest.fixture(scope="module")
def observation() -> Observation:
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
def found_in(observation: Observation) -> list[Candidate]:
    return find_candidates(observation, 90.0)


@given(st.integers(0, FRAMES - 1), st.integers(1, 400))
@settings(deadline=None, max_examples=8)
def test_a_stretch_is_that_part_of_the_whole(observation: Observation, first: int, length: int) -> None:
    stop = first + length
    expected = [one for one in found_in(observation) if one.start < stop and one.stop > first]
    found = CandidateIndex(observation, 90.0).during(first, stop)
    assert [one.number for one in found] == [one.number for one in expected]
    for one, whole in zip(found, expected, strict=True):
        for name, value in cut(whole, first, stop).items():
            np.testing.assert_array_equal(getattr(one, name), value, err_msg=name)


def test_the_whole_is_what_was_drawn(observation: Observation) -> None:
    found = find_candidates(observation, 90.0)
    people = [one for one in found if one.label == PERSON]
    assert [one.number for one in found] == list(range(len(found)))
    assert sorted((one.start, one.stop, one.sightings) for one in people) == [
        (0, 201, 40),
        (95, 701, 120),
        (600, 900, 59),
    ]
    assert [one.label for one in found[3:]] == [MOVING] * (len(found) - 3)
    assert len(found) > 4


def test_directions_come_stretch_by_stretch(observation: Observation) -> None:
    candidate_index = CandidateIndex(observation, 90.0)
    for whole in find_candidates(observation, 90.0):
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
