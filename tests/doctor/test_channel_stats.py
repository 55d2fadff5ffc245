from __future__ import annotations

import math

import numpy as np
import pytest

import recordings
from earwitness.doctor.channel_stats import ChannelFigures, ChannelStats

RATE = recordings.RATE


def figures(stereo: np.ndarray, rate: int = RATE) -> ChannelFigures:
    stats = ChannelStats(rate)
    stats.add(np.asarray(stereo, np.float32))
    return stats.figures()


def test_nothing_and_silence() -> None:
    for sound in (np.zeros((2, 0)), np.zeros((2, RATE))):
        found = figures(sound)
        assert found.peak == 0
        assert math.isnan(found.difference)
        assert math.isnan(found.onsets.common)
        assert found.delay_ms == 0


def test_channels_that_differ_by_rounding_alone() -> None:
    for seed in range(40):  # in some, L L + R R - 2 L R comes out below zero
        sound = np.random.default_rng(seed).normal(scale=0.3, size=5000).astype(np.float32)
        found = figures(np.stack([sound, sound * np.float32(1 + 1e-7 * (seed % 3))]))
        assert found.side_mid_db < -70


def test_the_level_difference_over_frequency_and_time() -> None:
    sound = recordings.noise(6, 1, 0.1)
    same = figures(np.stack([sound, 0.5 * sound]))
    assert same.tilt_db == pytest.approx(0, abs=0.01)
    assert same.sway_db == pytest.approx(6.02, abs=0.01)
    assert same.agreement == pytest.approx(1, abs=1e-3)
    darker = figures(np.stack([sound, np.convolve(sound, np.ones(4) / 4, "same")]))
    assert darker.tilt_db > 3


def test_sound_passes_unchanged_without_an_offset() -> None:
    sound = recordings.honest(2.0)
    assert ChannelStats(RATE).add(sound) is sound
    shifted = ChannelStats(RATE).add((recordings.honest(2.0) + 0.1).astype(np.float32))
    assert np.abs(shifted.mean(axis=1)).max() < 0.02


def test_a_source_that_reaches_one_channel_first() -> None:
    sound = recordings.noise(6, 2, 0.1)
    found = figures(np.stack([sound, np.roll(sound, 12)]))
    assert found.spaced_share > 0.9
    assert found.spaced_ms == pytest.approx(0.5, abs=0.02)
    assert found.delay_ms == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_bandwidth_at_other_rates(rate: int) -> None:
    tone = np.sin(2 * np.pi * 1500 * np.arange(4 * rate) / rate) * 0.1
    assert figures(np.stack([tone, 0.5 * tone]), rate).bandwidth_hz == pytest.approx(1500, abs=40)
