from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from scipy.signal import resample_poly

from earwitness.doctor.channel_blocks import BlockFigures, Peak, cross_phases, delay_band, least_delay, peak_lag

RATE, SIZE = 24_000, 4096


def peak_of(left: np.ndarray, right: np.ndarray, largest: float = 0.02) -> Peak:
    bins = np.fft.rfftfreq(SIZE, 1 / RATE)
    band = delay_band(bins, RATE)
    taper = np.hanning(SIZE)
    phases = cross_phases(*(scipy.fft.rfft(channel[:SIZE] * taper) for channel in (left, right)), band)
    return peak_lag(phases, SIZE, RATE, largest, int(band.sum()))


def noise(seed: int, size: int = 2 * SIZE) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size)


@pytest.mark.parametrize("samples", [-200, -7, 3, 48])
def test_a_pure_delay(samples: int) -> None:
    sound = noise(1)
    peak = peak_of(sound, np.roll(sound, samples))
    assert peak.lag == pytest.approx(samples / RATE, abs=1e-6)
    assert peak.delayed


def test_a_delay_between_samples() -> None:
    fine = resample_poly(noise(2), 4, 1)
    peak = peak_of(fine[8::4], fine[5::4])
    assert peak.lag == pytest.approx(0.75 / RATE, abs=0.1 / RATE)


def test_the_same_sound_has_its_peak_at_zero() -> None:
    peak = peak_of(noise(3), 0.3 * noise(3))
    assert peak.lag == pytest.approx(0, abs=1e-7)
    assert peak.height == pytest.approx(1, abs=0.01)
    assert not peak.delayed


def test_unrelated_and_inverted_sounds_are_not_delayed() -> None:
    assert not peak_of(noise(4), noise(5)).delayed
    inverted = peak_of(noise(6), -noise(6))
    assert inverted.at_zero == pytest.approx(-1, abs=0.01)
    assert not inverted.delayed


def test_no_delay_beyond_the_largest() -> None:
    sound = noise(7)
    peak = peak_of(sound, np.roll(sound, 200), largest=0.005)
    assert abs(peak.lag) <= 0.005 + 1 / RATE
    assert not peak.delayed


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_the_band_stays_below_half_the_rate(rate: int) -> None:
    bins = np.fft.rfftfreq(SIZE, 1 / rate)
    chosen = bins[delay_band(bins, rate)]
    assert chosen.min() >= 150
    assert chosen.max() <= min(8000, rate / 2)
    assert least_delay(8000) > least_delay(48_000)


RATE, SIZE = 24_000, 4096


def collected(*pairs: tuple[np.ndarray, np.ndarray], level_db: float = -20.0) -> BlockFigures:
    figures = BlockFigures(np.fft.rfftfreq(SIZE, 1 / RATE), RATE, SIZE)
    for left, right in pairs:
        figures.add(level_db, scipy.fft.rfft(left.astype(np.float32)), scipy.fft.rfft(right.astype(np.float32)))
    return figures


def short_noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SIZE)


def test_agreement_is_one_for_the_same_sound_and_minus_one_inverted() -> None:
    sound = short_noise(1)
    blocks = collected((sound, 0.2 * sound), (sound, -sound), (sound, short_noise(2))).blocks()
    assert blocks.agreement[:2] == pytest.approx([1, -1], abs=1e-4)
    assert abs(blocks.agreement[2]) < 0.2
    assert blocks.seconds == SIZE / RATE


def test_energies_and_their_product() -> None:
    sound = short_noise(3)
    blocks = collected((sound, 0.5 * sound)).blocks()
    assert blocks.left[0] / blocks.right[0] == pytest.approx(4, rel=1e-4)
    assert blocks.cross[0] ** 2 == pytest.approx(blocks.left[0] * blocks.right[0], rel=1e-4)


def test_low_and_very_high_sounds_do_not_count() -> None:
    times = np.arange(SIZE) / RATE
    taper = np.hanning(SIZE)
    blocks = collected(*((np.sin(2 * np.pi * hertz * times) * taper,) * 2 for hertz in (60, 1000, 11_000))).blocks()
    assert blocks.left[0] < 1e-4 * blocks.left[1]
    assert blocks.left[2] < 1e-4 * blocks.left[1]


def test_blocks_far_below_the_loud_ones_are_not_judged() -> None:
    figures = collected(*[(short_noise(seed), short_noise(seed)) for seed in range(20)])
    figures.add_silence()
    figures.add(-55.0, *[scipy.fft.rfft(1e-3 * short_noise(1).astype(np.float32))] * 2)
    blocks = figures.blocks()
    assert blocks.loud().tolist() == list(range(20))
    assert collected().blocks().loud().size == 0
