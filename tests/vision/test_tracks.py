from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.vision.boxes import INDEX, Boxes, unknown_keypoints
from earwitness.vision.tracks import TrackConfig, track


def boxes(*places: tuple[float, str]) -> Boxes:
    return Boxes.of([[x, 50, x + 40, 150] for x, _ in places], [0.8] * len(places), [label for _, label in places])


def test_two_who_pass_keep_their_tracks_and_what_lies_between_is_interpolated() -> None:
    frames = [0, 5, 10]
    seen = [boxes((0, "person"), (300, "person")), boxes((310, "person"), (20, "person")), boxes((40, "person"))]
    second, first = track(frames, seen, 20, TrackConfig(hold=3))
    assert (first.start, first.stop, first.sightings) == (0, 14, 3)
    assert (second.start, second.stop, second.sightings) == (0, 9, 2)
    np.testing.assert_allclose(first.xyxy[[0, 1, 5, 7, 13], 0], [0, 4, 20, 28, 40])
    np.testing.assert_allclose(second.xyxy[:, 0], [300, 302, 304, 306, 308, 310, 310, 310, 310])


def test_kinds_do_not_mix_and_jumps_begin_anew() -> None:
    made = track([0, 5, 10], [boxes((0, "person")), boxes((0, "bell")), boxes((500, "person"))], 11)
    assert [(one.label, one.sightings) for one in made] == [("person", 1), ("bell", 1), ("person", 1)]


def test_who_stays_away_too_long_comes_back_as_another() -> None:
    config = TrackConfig(gap=15)
    nothing = Boxes.none()
    assert len(track([0, 5, 15], [boxes((0, "person")), nothing, boxes((0, "person"))], 20, config)) == 1
    assert len(track([0, 5, 16], [boxes((0, "person")), nothing, boxes((0, "person"))], 20, config)) == 2


def test_keypoints_are_interpolated_where_they_are_known() -> None:
    seen = [boxes((0, "person")), boxes((0, "person")), boxes((0, "person"))]
    for number, x in ((0, 10.0), (2, 30.0)):
        points = unknown_keypoints(1)
        points[0, INDEX["nose"]] = (x, 60, 0.9)
        seen[number] = Boxes.of(seen[number].xyxy, seen[number].score, "person", points)
    (one,) = track([0, 5, 10], seen, 11)
    np.testing.assert_allclose(one.keypoints[[0, 5, 10], INDEX["nose"], 0], [10, 20, 30])
    assert np.isnan(one.keypoints[:, INDEX["mouth"], 0]).all()
    assert (one.keypoints[:, INDEX["mouth"], 2] == 0).all()


def test_a_single_sighting_can_be_too_few() -> None:
    assert track([3], [boxes((0, "person"))], 10, TrackConfig(least=2)) == []
    (one,) = track([3], [boxes((0, "person"))], 10, TrackConfig(least=1, hold=2))
    assert (one.start, one.stop) == (1, 6)


@given(st.lists(st.lists(st.integers(0, 600), max_size=4), max_size=8))
def test_every_sighting_is_on_exactly_one_track_within_the_video(places: list[list[int]]) -> None:
    frames = [5 * number for number in range(len(places))]
    seen = [boxes(*((float(x), "person") for x in row)) if row else Boxes.none() for row in places]
    length = 5 * len(places)
    made = track(frames, seen, length)
    assert sum(one.sightings for one in made) == sum(map(len, places))
    for one in made:
        assert 0 <= one.start < one.stop <= length
        assert np.isfinite(one.xyxy).all()
        assert one.score == pytest.approx(0.8)


def people(*places: tuple[float, bool]) -> Boxes:
    """Standing people whose noses are at x; of some only the head is detected."""
    shapes = [[x - 15, 60, x + 15, 90] if head else [x - 40, 50, x + 40, 250] for x, head in places]
    points = unknown_keypoints(len(places))
    for row, (x, _) in enumerate(places):
        points[row, INDEX["nose"]] = (x, 75, 0.9)
    return Boxes.of(shapes, [0.8] * len(places), "person", points)


def test_who_walks_past_another_keeps_the_track_although_both_were_one_for_a_moment() -> None:
    frames = list(range(0, 50, 5))
    walker = [444, 396, 348, 300, 252, 204, 156, 100, 55, 52]  # stops at the end
    pictures = [people((220, False), (x, False)) for x in walker]
    pictures[4] = people((233, False))
    pictures[5] = people((184, True), (212, False))  # only the walker's head is found
    pictures[8] = pictures[9] = people((220, False), (52, True))
    made = {round(float(one.xyxy[0, [0, 2]].mean())): one for one in track(frames, pictures, 50)}
    assert set(made) == {220, 444}
    middle = made[220].xyxy[:, [0, 2]].mean(axis=1)
    assert np.abs(middle - 220).max() < 15
    assert made[444].xyxy[-1, [0, 2]].mean() == pytest.approx(52, abs=5)
