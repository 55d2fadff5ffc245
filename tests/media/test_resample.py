from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.media.sound.resample import StreamResampler, resample


@given(
    rate_in=st.sampled_from([8000, 11025, 22050, 44100, 48000, 96000, 24000]),
    rate_out=st.sampled_from([16000, 24000, 48000]),
    cuts=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_cutting_the_input_changes_nothing(rate_in: int, rate_out: int, cuts: list[int]) -> None:
    stereo = np.random.default_rng(0).standard_normal((2, sum(cuts))).astype(np.float32)
    resampler = StreamResampler(rate_in, rate_out)
    bounds = np.cumsum([0, *cuts])
    parts = [resampler.push(stereo[:, a:b]) for a, b in pairwise(bounds)]
    streamed = np.concatenate([*parts, resampler.finish()], axis=1)
    assert streamed.shape == (2, round(stereo.shape[1] * rate_out / rate_in))
    np.testing.assert_allclose(streamed, resample(stereo, rate_in, rate_out), atol=1e-5)


@pytest.mark.parametrize(("rate_in", "rate_out"), [(48000, 24000), (44100, 24000), (8000, 24000), (96000, 24000)])
def test_a_tone_keeps_frequency_level_and_phase(rate_in: int, rate_out: int) -> None:
    def tone(rate: int) -> np.ndarray:
        wave = np.sin(2 * np.pi * 700 * np.arange(rate) / rate)
        return np.stack([wave, 0.5 * wave]).astype(np.float32)

    got = resample(tone(rate_in), rate_in, rate_out)
    np.testing.assert_allclose(got[:, 2000:-2000], tone(rate_out)[:, 2000:-2000], atol=2e-3)
