from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.acoustics.directivity import FULL_SHARE, Directivity, draw_directivity, leaving
from earwitness.scenes.acoustics.rooms import BAND_CENTRES_HZ, SPEED_OF_SOUND, Room, simulate
from earwitness.scenes.scene import SAMPLE_RATE

pytest.importorskip("pyroomacoustics")
ROOM = Room((8.0, 6.0, 3.0), 0.4, (1.0,) * len(BAND_CENTRES_HZ), (3.0, 3.0, 1.5))
SOURCE = np.array([[5.0, 3.0, 1.5]])


def band(rir: np.ndarray, centre: float) -> np.ndarray:
    """A RIR's octave band around `centre`, without shift."""
    spectrum = np.fft.rfft(rir)
    frequency = np.fft.rfftfreq(rir.size, 1 / SAMPLE_RATE)
    spectrum[(frequency < centre / np.sqrt(2)) | (frequency >= centre * np.sqrt(2))] = 0
    return np.fft.irfft(spectrum, rir.size)


def test_patterns_fall_from_ahead_to_behind_more_at_high_frequencies() -> None:
    talker = Directivity((1.0, 0.0, 0.0), 1.0)
    ahead, aside, behind = talker.gain(np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])).T
    assert ahead == pytest.approx(1.0)
    assert behind == pytest.approx(1 - 2 * np.array(FULL_SHARE))
    assert np.all(np.diff(behind) < 0)
    assert np.all((behind < aside) & (aside < ahead))
    # Power over the sphere, by averaging over directions.
    ways = np.random.default_rng(0).normal(size=(3, 20000))
    ways /= np.linalg.norm(ways, axis=0)
    assert (talker.gain(ways) ** 2).mean(axis=1) == pytest.approx(talker.power, rel=0.02)


def test_the_direct_sound_is_what_the_source_sends_to_the_microphone() -> None:
    rirs = [
        simulate(ROOM, SOURCE, np.random.default_rng(0), facing=[Directivity((x, 0.0, 0.0), 1.0)])[0][0]
        for x in (-1.0, 1.0)  # towards the microphone, and away from it
    ]
    arrival = round(2.0 / SPEED_OF_SOUND * SAMPLE_RATE)
    direct = slice(arrival - 40, arrival + 40)  # before the first reflection, from floor and ceiling
    for centre, share in ((2000.0, FULL_SHARE[4]), (8000.0, FULL_SHARE[6])):
        towards, away = (np.abs(np.fft.rfft(rir[direct], 240)[round(centre / 100)]) for rir in rirs)
        assert away / towards == pytest.approx(1 - 2 * share, abs=0.06)


def test_reverberation_does_not_depend_on_where_a_source_faces_but_on_its_power() -> None:
    def late(facing: tuple[float, float, float], strength: float) -> float:
        rir = simulate(ROOM, SOURCE, np.random.default_rng(4), facing=[Directivity(facing, strength)])[0][0]
        return float(10 * np.log10(np.sum(band(rir, 2000.0)[2400:7200] ** 2)))

    omni = late((1.0, 0.0, 0.0), 0.0)
    expected = 10 * np.log10(Directivity((1.0, 0.0, 0.0), 1.0).power[4])
    for facing in ((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)):
        assert late(facing, 1.0) - omni == pytest.approx(expected, abs=1.5)


def test_sources_alike_to_all_sides_are_what_they_were_without_directivity() -> None:
    without = simulate(ROOM, SOURCE, np.random.default_rng(0))[0]
    alike = simulate(ROOM, SOURCE, np.random.default_rng(0), facing=[Directivity((0.0, 0.0, 1.0), 0.0)])[0]
    np.testing.assert_allclose(alike, without, atol=1e-6)


def test_images_send_what_left_the_source_towards_their_wall() -> None:
    """An image behind the wall x = 0 is mirrored: what it sends to the microphone left the source towards that wall."""
    size, source, microphone = np.array([8.0, 6.0, 3.0]), np.array([5.0, 2.0, 1.0]), np.array([3.0, 3.0, 1.5])
    places = np.stack(
        [source, source * np.array([-1, 1, 1]), [5.0, 12 - 2.0, 1.0], source + np.array([16, 0, 0])], axis=1
    )
    ways = leaving(places - microphone[:, None], source, microphone, size)
    to_microphone = microphone[:, None] - places
    expected = to_microphone * np.array([[1, -1, 1, 1], [1, 1, -1, 1], [1, 1, 1, 1]])
    np.testing.assert_allclose(ways, expected / np.linalg.norm(expected, axis=0), atol=1e-9)
    assert ways[0, 1] < 0  # towards the wall x = 0


def test_sources_face_the_microphone_a_little_more_often() -> None:
    rng, towards = np.random.default_rng(1), np.array([0.0, -1.0, 0.2])
    drawn = [draw_directivity(towards, rng) for _ in range(600)]
    facing = np.array([one.facing for one in drawn])
    np.testing.assert_allclose(np.linalg.norm(facing, axis=1), 1.0, atol=1e-9)
    assert 0.1 < (facing @ (towards / np.linalg.norm(towards))).mean() < 0.5
    assert 0.15 < np.mean([one.strength == 0 for one in drawn]) < 0.35
