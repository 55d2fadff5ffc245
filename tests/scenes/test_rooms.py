from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.acoustics.rooms import (
    BAND_CENTRES_HZ,
    FULL_SHARE,
    SPEED_OF_SOUND,
    Directivity,
    Room,
    calibrated,
    draw_directivity,
    draw_room,
    leaving,
    measure_rt60,
    simulate,
)
from earwitness.scenes.scene import SAMPLE_RATE

pytest.importorskip("pyroomacoustics")
FLAT = (1.0,) * len(BAND_CENTRES_HZ)


def positions(room: Room, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(room.size) * rng.uniform(0.15, 0.85, (count, 3))


@pytest.mark.parametrize("seed", range(5))
def test_calibrated_rooms_have_the_rt60_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = draw_room(rng)
    room = calibrated(asked, rng)
    rirs = simulate(room, positions(room, 8, rng), rng)
    measured = np.mean([[measure_rt60(rir[0], hz) for hz in (500.0, 1000.0)] for rir in rirs])
    assert measured == pytest.approx(asked.rt60, rel=0.10)


def test_direct_sound_has_the_delay_the_level_and_the_direction_of_the_source() -> None:
    room = Room((8.0, 6.0, 3.0), 0.3, FLAT, (3.0, 3.0, 1.5))
    offset = np.array([1.0, 1.5, 0.4])
    (rir,) = simulate(room, np.array([room.microphone]) + offset, np.random.default_rng(0))
    distance = np.linalg.norm(offset)
    arrival = round(distance / 343 * 24000)
    assert int(np.argmax(np.abs(rir[0][: arrival + 20]))) == arrival
    w, y, x = rir[:, arrival]
    assert w == pytest.approx(1 / distance, rel=0.01)
    assert y / w == pytest.approx(offset[1] / distance, abs=0.02)
    assert x / w == pytest.approx(offset[0] / distance, abs=0.02)


def test_early_and_late_parts_meet_at_the_same_level() -> None:
    """The tail continues the image sources without a step."""
    room = Room((6.0, 5.0, 3.0), 0.6, FLAT, (2.5, 2.0, 1.4))
    rng = np.random.default_rng(1)
    rirs = simulate(room, positions(room, 12, rng), rng)
    switch = int(10 * 3.0 / 343 * 24000)
    size = 480

    def level(start: int) -> float:
        return float(np.mean([10 * np.log10(np.mean(rir[0][start : start + size] ** 2)) for rir in rirs]))

    decay = 60 / 0.6 * (2 * size + 480) / 24000
    assert level(switch - size - 240) - level(switch + size + 240) == pytest.approx(decay, abs=2.0)


def test_diffuse_tail_carries_a_third_of_the_power_in_each_direction() -> None:
    room = Room((7.0, 6.0, 3.0), 0.8, FLAT, (3.0, 3.0, 1.5))
    rng = np.random.default_rng(2)
    tails = np.stack([rir[:, 4000:12000] for rir in simulate(room, positions(room, 10, rng), rng)])
    power = np.mean(tails**2, axis=(0, 2))
    assert power[1:] / power[0] == pytest.approx([1 / 3, 1 / 3], rel=0.1)


def test_direct_to_reverberant_ratio_falls_by_6_db_a_doubling_of_distance() -> None:
    room = Room((11.0, 9.0, 3.5), 0.5, FLAT, (5.0, 4.0, 1.5))
    ratios = []
    for distance in (0.5, 1.0, 2.0, 4.0):
        (rir,) = simulate(room, np.array([[5.0 + distance, 4.0, 1.5]]), np.random.default_rng(3))
        arrival = int(distance / 343 * 24000)
        direct, rest = rir[0][: arrival + 3], rir[0][arrival + 3 :]
        ratios.append(float(10 * np.log10(np.sum(direct**2) / np.sum(rest**2))))
    # Direct sound falls by 6.02 dB a doubling; early reflections make the rest rise or fall a little.
    assert np.diff(ratios) == pytest.approx([-6.0, -6.0, -6.0], abs=2.0)


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
