from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import fftconvolve

import recordings
from earwitness.doctor.long_windows import LongWindows

RATE = recordings.RATE


def windows(stereo: np.ndarray, block: int = RATE) -> LongWindows:
    collected = LongWindows(RATE)
    for begin in range(0, stereo.shape[1], block):
        collected.add(stereo[:, begin : begin + block].astype(np.float32))
    return collected


@pytest.mark.parametrize("seconds", [-0.4, 0.02, 0.3, 0.5])
def test_long_delays(seconds: float) -> None:
    sound = recordings.noise(8, 1, 0.1)
    found = windows(np.stack([sound, np.roll(sound, round(seconds * RATE))]))
    peak = found.delay()
    assert peak is not None
    assert peak.delayed
    assert peak.lag == pytest.approx(seconds, abs=1e-4)
    assert [one.lag for one in found.delays] == pytest.approx([seconds] * len(found.delays), abs=1e-4)


def test_one_filtered_signal_is_shared_and_two_signals_are_not() -> None:
    sound, other = recordings.noise(10, 2, 0.1), recordings.noise(10, 3, 0.1)
    room = np.random.default_rng(4).normal(size=2400) * np.exp(-np.arange(2400) / 300)
    filtered = fftconvolve(sound, room)[: sound.size]
    assert windows(np.stack([sound, filtered])).shared() > 0.95
    assert windows(np.stack([sound, other])).shared() < 0.2
    assert 0.3 < windows(np.stack([sound, (filtered / filtered.std() + other / other.std()) / 20])).shared() < 0.8


def test_a_few_windows_do_not_tell() -> None:
    sound = recordings.noise(2, 5, 0.1)
    assert math.isnan(windows(np.stack([sound, sound])).shared())
    assert windows(np.zeros((2, 8 * RATE))).delay() is None
    assert windows(np.zeros((2, 8 * RATE))).delays == []


def test_the_far_channel_of_a_source_to_one_side_is_not_late() -> None:
    sound = recordings.noise(8, 6, 0.1)
    found = windows(np.stack([sound, 0.2 * np.roll(sound, 500)]))
    assert all(math.isnan(one.lag) for one in found.delays)


def test_the_figures_do_not_depend_on_the_blocks() -> None:
    sound = recordings.honest()
    assert windows(sound, 777).shared() == pytest.approx(windows(sound).shared(), rel=1e-6)
    assert windows(sound, 777).delays == windows(sound).delays
