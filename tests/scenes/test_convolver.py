from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.scenes.acoustics.convolver import BlockConvolver

PREROLL = 500


@given(
    seed=st.integers(0, 2**31),
    samples=st.integers(1, 30_000),
    placed=st.lists(st.tuples(st.integers(-PREROLL, 31_000), st.integers(1, 25_000)), min_size=1, max_size=4),
    rir_samples=st.integers(1, 3000),
)
@settings(max_examples=25, deadline=None)
def test_it_is_the_sum_of_direct_convolutions(
    seed: int, samples: int, placed: list[tuple[int, int]], rir_samples: int
) -> None:
    rng = np.random.default_rng(seed)
    convolver = BlockConvolver(samples, rir_samples, PREROLL)
    expected = np.zeros((2, samples + PREROLL + 60_000 + rir_samples))
    for start, size in placed:
        dry = rng.standard_normal(size, dtype=np.float32)
        taps = np.zeros((2, rir_samples), dtype=np.float32)
        chosen = rng.integers(0, rir_samples, 5)
        taps[:, chosen] = rng.standard_normal((2, 5), dtype=np.float32)
        convolver.add(dry, start, convolver.responses([taps])[0])
        for tap in np.unique(chosen):
            at = start + PREROLL + int(tap)
            expected[:, at : at + size] += taps[:, tap : tap + 1] * dry
    assert convolver.result() == pytest.approx(expected[:, PREROLL : PREROLL + samples], abs=1e-4)


def test_filter_that_rings_before_the_sound_is_kept() -> None:
    """A zero-phase filter's response begins before the impulse: it must not come out at the block's end."""
    convolver = BlockConvolver(30_000, 100, PREROLL)
    response = convolver.responses([np.ones((2, 1), np.float32)])[0]
    frequency = np.arange(response.shape[1]) / (response.shape[1] - 1)
    smooth = (0.5 + 0.5 * np.cos(np.pi * frequency * 20)).astype(np.float32)  # impulses at -20, 0 and 20 samples
    convolver.add(np.ones(1, np.float32), 1000, response * smooth)
    wave = convolver.result()[0]
    assert np.flatnonzero(np.abs(wave) > 0.01).tolist() == [980, 1000, 1020]
    assert wave[[980, 1000, 1020]] == pytest.approx([0.25, 0.5, 0.25], abs=1e-3)


def test_sound_longer_than_all_pending_blocks_comes_first() -> None:
    samples = 700_000
    convolver = BlockConvolver(samples, 100, 0)
    dry = np.random.default_rng(0).standard_normal(samples, dtype=np.float32)
    convolver.add(dry, 0, convolver.responses([np.ones((2, 1), np.float32)])[0])
    assert convolver.result()[0] == pytest.approx(dry, abs=1e-4)
