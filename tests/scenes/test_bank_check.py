from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.bank.bank_check import correlation, pattern_of

RATE = 24_000


def recording(seed: int, seconds: float = 2.0, level: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * rng.uniform(200, 3000) * times) * (np.sin(rng.uniform(1, 9) * times) > 0)
               for _ in range(4))  # fmt: skip
    return np.asarray(level * wave / 4 * 32767, dtype=np.int16)


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(pattern_of(one)[1:] @ pattern_of(other)[1:])


@pytest.mark.parametrize("change", ["softer", "padded", "noisy"])
def test_a_copy_is_alike_whatever_its_level_and_ends(change: str) -> None:
    one = recording(1)
    other = {
        "softer": (one * 0.2).astype(np.int16),
        "padded": np.pad(one, (5000, 9000)),
        "noisy": (one + np.random.default_rng(9).normal(scale=60, size=one.size)).astype(np.int16),
    }[change]
    assert alike(one, other) > 0.95
    assert correlation(one, other) > 0.9


def test_other_recordings_are_not_alike() -> None:
    assert alike(recording(1), recording(2)) < 0.9
    assert correlation(recording(1), recording(2)) < 0.5


def test_the_length_is_without_silence_at_the_ends() -> None:
    assert pattern_of(np.pad(np.full(RATE, 9000, np.int16), RATE))[0] == pytest.approx(1.0, abs=0.01)


def test_silence_and_very_short_recordings_have_a_pattern() -> None:
    for wave in (np.zeros(RATE, np.int16), np.array([1000], np.int16)):
        assert np.isfinite(pattern_of(wave)).all()
        assert np.isfinite(correlation(wave, wave))
