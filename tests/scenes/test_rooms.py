from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.acoustics.rooms import BAND_CENTRES_HZ, Room, calibrated, draw_room, measure_rt60, simulate

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
