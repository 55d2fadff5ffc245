from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import NoVideoError, UsageError
from earwitness.core.vocabulary import DCASE2025
from earwitness.media.sound.wav import write_wav
from earwitness.vision import observation_cache
from earwitness.vision.candidates import find_candidates
from earwitness.vision.observation_cache import cached_observation
from earwitness.vision.observe import observe
from films import RedFinder, scene

Film = Callable[..., Path]
VOICE, CLAP, MUSIC = 1, 2, 8


def azimuth_at(path: Path, red: RedFinder, fov: float = 90.0, index: int = VOICE) -> float:
    """Where the person is, median over the film; at 90 degrees the edges are at +-45."""
    people = [one for one in find_candidates(observe(path, red), fov) if one.label == "person"]
    return float(np.nanmedian(people[0].azimuth[index]))


def test_the_detector_looks_twice_a_second_and_what_rests_is_looked_at_once(film: Film, red: RedFinder) -> None:
    moving = film([scene(20 + 5 * k) for k in range(20)])
    observation = observe(moving, red, batch=3)
    assert observation.frames.tolist() == [0, 5, 10, 15]
    assert observation.num_frames == 20
    assert red.batches == [3, 1]
    places = [boxes.xyxy[0, 0] for boxes in observation.boxes]
    np.testing.assert_allclose(places, [20, 45, 70, 95], atol=3)
    red.batches = []
    resting = observe(film([scene(100)] * 20), red)
    assert red.batches == [1]
    assert len(resting.boxes) == 4
    np.testing.assert_allclose([boxes.xyxy[0, 0] for boxes in resting.boxes], 100, atol=2)


@pytest.mark.parametrize("rate", [1.0, 2.0, 3.0, 10.0])
def test_any_rate(film: Film, red: RedFinder, rate: float) -> None:
    observation = observe(film([scene(5 * k) for k in range(20)]), red, rate)
    assert len(observation.frames) == 2 * rate
    assert np.diff(observation.frames).min() >= 10 // rate


def test_the_batch_changes_nothing(film: Film, red: RedFinder) -> None:
    path = film([scene(5 * k) for k in range(30)])
    one, many = observe(path, red, 10.0, batch=1), observe(path, red, 10.0, batch=7)
    np.testing.assert_array_equal(one.frames, many.frames)
    for a, b in zip(one.boxes, many.boxes, strict=True):
        np.testing.assert_array_equal(a.xyxy, b.xyxy)


def test_left_in_the_picture_is_left(film: Film, red: RedFinder) -> None:
    # The middle of the rectangle at column 60 of 320: (160 - 60) / 160 of tan 45 degrees.
    assert azimuth_at(film([scene(40)] * 15), red) == pytest.approx(np.degrees(np.arctan(100 / 160)), abs=1)
    assert azimuth_at(film([scene(240)] * 15), red) == pytest.approx(-np.degrees(np.arctan(100 / 160)), abs=1)


def test_pictures_with_uneven_times(film: Film, red: RedFinder) -> None:
    """Half a second at the left in many pictures, then one and a half at the right in few."""
    pictures = [scene(20)] * 15 + [scene(260)] * 3
    times = [k / 30 for k in range(15)] + [0.5, 1.0, 1.5]
    (first, *_) = [
        one for one in find_candidates(observe(film(pictures, times), red, 10.0), 90) if one.label == "person"
    ]
    observation = observe(film(pictures, times), red, 10.0)
    at_left = [
        int(frame) for frame, boxes in zip(observation.frames, observation.boxes, strict=True) if boxes.xyxy[0, 0] < 100
    ]
    assert at_left == [0, 1, 2, 3, 4]
    assert first.start == 0


def test_a_rotated_phone_video_is_watched_upright(film: Film, red: RedFinder) -> None:
    upright = [scene(20, 30, 180, 320)] * 15  # portrait, at the upper left
    lying = [np.ascontiguousarray(np.rot90(picture, -1)) for picture in upright]
    path = film(lying, prepare=lambda stream: stream.set_display_rotation(90))
    observation = observe(path, red)
    assert (observation.width, observation.height) == (180, 320)
    np.testing.assert_allclose(observation.boxes[0].xyxy[0], (20, 30, 60, 70), atol=3)
    assert azimuth_at(path, red) > 20


def test_black_bars_do_not_count_as_field_of_view(film: Film, red: RedFinder) -> None:
    plain = scene(40)
    barred = np.zeros((180, 480, 3), np.uint8)
    barred[:, 80:400] = plain
    assert observe(film([barred] * 15), red).content == (80, 0, 400, 180)
    assert azimuth_at(film([barred] * 15), red) == pytest.approx(azimuth_at(film([plain] * 15), red), abs=1)


def test_large_pictures_are_made_smaller(film: Film, red: RedFinder) -> None:
    large = scene(400, 300, 1280, 720, 200)
    observation = observe(film([large] * 6), red)
    assert red.sizes == {(360, 640)}
    np.testing.assert_allclose(observation.boxes[0].xyxy[0], np.array([400, 300, 600, 500]) / 2, atol=3)


def test_what_moves_without_being_known_is_a_candidate_for_all_classes(film: Film, red: RedFinder) -> None:
    def picture(k: int) -> np.ndarray:
        made = scene(20)
        made[40:70, 250 + 8 * (k % 2) : 280 + 8 * (k % 2)] = (20, 20, 200)
        return made

    found = find_candidates(observe(film([picture(k) for k in range(20)]), red), 90)
    assert [one.label for one in found][:1] == ["person"]
    moving = [one for one in found if one.label == "motion"]
    assert moving
    assert all(one.may_make(sound_class) for one in moving for sound_class in DCASE2025)
    assert found[0].may_make(DCASE2025[VOICE])
    assert not found[0].may_make(DCASE2025[MUSIC])
    assert np.nanmedian(moving[0].azimuth[MUSIC]) == pytest.approx(-np.degrees(np.arctan(109 / 160)), abs=4)
    assert np.nanmean(moving[0].motion) > 0.1
    assert np.nanmean(found[0].motion) == 0


def test_a_person_who_moves_is_one_candidate(film: Film, red: RedFinder) -> None:
    found = find_candidates(observe(film([scene(100 + 4 * (k % 2)) for k in range(20)]), red), 90)
    assert [one.label for one in found if np.isfinite(one.azimuth[VOICE]).any()] == ["person"]
    assert np.nanmean(found[0].motion[2:]) > 0.1


def test_the_cache_knows_files_by_their_contents_time_and_detector(film: Film, red: RedFinder, tmp_path: Path) -> None:
    path = film([scene(5 * k) for k in range(20)])
    first, known = cached_observation(path, red, 2.0, tmp_path / "cache")
    again, known_again = cached_observation(path, red, 2.0, tmp_path / "cache")
    assert (known, known_again) == (False, True)
    np.testing.assert_array_equal(first.motion, again.motion)
    np.testing.assert_array_equal(first.boxes[2].keypoints, again.boxes[2].keypoints)
    assert first.content == again.content
    assert again.boxes[0].label == ("person",)
    assert not cached_observation(path, red, 5.0, tmp_path / "cache")[1]
    red.name = "another"
    assert not cached_observation(path, red, 2.0, tmp_path / "cache")[1]
    for kept in (tmp_path / "cache").iterdir():
        kept.write_bytes(b"damaged")
    assert not cached_observation(path, red, 2.0, tmp_path / "cache")[1]


def test_nothing_is_seen_before_the_first_picture(film: Film, red: RedFinder, tmp_path: Path) -> None:
    times = [1.04 + k / 10 for k in range(10)]
    late = film([scene(20 + 5 * k) for k in range(10)], times, name="late.mkv", silence=2.0)
    observation = observe(late, red)
    assert (observation.first_frame, observation.frames[0], observation.num_frames) == (10, 10, 21)
    assert (np.asarray(observation.motion[:10]) == 255).all()
    (person,) = [one for one in find_candidates(observation, 90) if one.label == "person"]
    assert person.start == 10


def test_what_is_wrong_with_the_pictures_is_kept_with_what_was_seen(film: Film, red: RedFinder, tmp_path: Path) -> None:
    part = film([scene(5 * k) for k in range(20)], name="part.ts")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    for known in (False, True):
        observation, cached = cached_observation(joined, red, 2.0, tmp_path / "cache")
        assert cached == known
        assert observation.warnings == ("the time stamps of the pictures jump 1 times; later times may be wrong",)
        assert observation.num_frames in (40, 41)


def test_the_cache_keeps_what_is_used_and_is_not_needed(
    film: Film, red: RedFinder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = film([scene(5 * k) for k in range(20)]), tmp_path / "cache"
    first, _ = cached_observation(path, red, 2.0, folder)
    (kept,) = folder.iterdir()
    os.utime(kept, (1000, 1000))
    assert cached_observation(path, red, 2.0, folder)[1]
    assert kept.stat().st_mtime > 1000
    os.utime(kept, (1000, 1000))
    monkeypatch.setattr(observation_cache, "_LIMIT", round(1.5 * kept.stat().st_size))
    cached_observation(path, red, 5.0, folder)
    assert not kept.exists()
    assert len(list(folder.iterdir())) == 1
    (tmp_path / "file").write_text("no folder can be made here")
    observation, known = cached_observation(path, red, 2.0, tmp_path / "file" / "cache")
    assert not known
    np.testing.assert_array_equal(observation.motion, first.motion)


def test_bad_input(film: Film, red: RedFinder, tmp_path: Path) -> None:
    path = film([scene(0)] * 5)
    for rate in (0.0, -1.0, 11.0):
        with pytest.raises(UsageError, match="pictures per second"):
            observe(path, red, rate)
    sound = tmp_path / "sound.wav"
    write_wav(sound, np.zeros((2, 2400), np.float32), 24_000)
    with pytest.raises(NoVideoError):
        observe(sound, red)
