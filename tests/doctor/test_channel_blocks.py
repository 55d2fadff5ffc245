from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from earwitness.doctor.channel_blocks import BlockFigures

RATE, SIZE = 24_000, 4096


def collected(*pairs: tuple[np.ndarray, np.ndarray], level_db: float = -20.0) -> BlockFigures:
    figures = BlockFigures(np.fft.rfftfreq(SIZE, 1 / RATE), RATE, SIZE)
    for left, right in pairs:
        figures.add(level_db, scipy.fft.rfft(left.astype(np.float32)), scipy.fft.rfft(right.astype(np.float32)))
    return figures


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SIZE)


def test_agreement_is_one_for_the_same_sound_and_minus_one_inverted() -> None:
    sound = noise(1)
    blocks = collected((sound, 0.2 * sound), (sound, -sound), (sound, noise(2))).blocks()
    assert blocks.agreement[:2] == pytest.approx([1, -1], abs=1e-4)
    assert abs(blocks.agreement[2]) < 0.2
    assert blocks.seconds == SIZE / RATE


def test_energies_and_their_product() -> None:
    sound = noise(3)
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
    figures = collected(*[(noise(seed), noise(seed)) for seed in range(20)])
    figures.add_silence()
    figures.add(-55.0, *[scipy.fft.rfft(1e-3 * noise(1).astype(np.float32))] * 2)
    blocks = figures.blocks()
    assert blocks.loud().tolist() == list(range(20))
    assert collected().blocks().loud().size == 0
