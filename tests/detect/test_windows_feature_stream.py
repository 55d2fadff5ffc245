from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.detect.runner.windows import feature_blocks
from earwitness.features import FeatureConfig, FeatureExtractor

EXTRACTOR = FeatureExtractor(FeatureConfig())
NOISE = np.random.default_rng(1).normal(scale=0.1, size=(2, 24_000 * 6)).astype(np.float32)


@settings(deadline=None, max_examples=15)
@given(
    cuts=st.lists(st.integers(1, NOISE.shape[1] - 1), max_size=20),
    block=st.integers(1, 30),
    samples=st.integers(20, 60).map(lambda frames: frames * 2400),
)
def test_chunked_features_are_those_of_the_whole(cuts: list[int], block: int, samples: int) -> None:
    sound = NOISE[:, :samples]
    parts = np.split(sound, sorted(cut for cut in cuts if cut < samples), axis=1)
    chunked = np.concatenate(list(feature_blocks(parts, EXTRACTOR, block)), axis=1)
    np.testing.assert_allclose(chunked, EXTRACTOR(sound), atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(0, 0), (1, 1), (1199, 1), (2400, 1), (3599, 1), (3600, 2), (120_000, 50), (121_199, 50), (121_200, 51)],
)
def test_lengths_are_rounded_to_the_nearest_label_frame(samples: int, frames: int) -> None:
    blocks = list(feature_blocks([NOISE[:, :samples]] if samples else [], EXTRACTOR))
    assert sum(block.shape[1] for block in blocks) == frames * 5


@pytest.mark.parametrize("extra", [0, 700, 1300])
def test_the_last_samples_are_context_even_where_they_get_no_frame(extra: int) -> None:
    sound = NOISE[:, : 2400 * 40 + extra]
    parts = np.split(sound, [1000, 70_000, 90_000], axis=1)
    chunked = np.concatenate(list(feature_blocks(parts, EXTRACTOR, 5)), axis=1)
    np.testing.assert_allclose(chunked[:, :200], EXTRACTOR.extract(sound, right=0)[:, :200], atol=1e-4)
