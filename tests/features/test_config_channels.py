import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.features import CHANNELS, FeatureConfig, FeatureExtractor, swap


def sound(seed: int, samples: int = 7200) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, [[0.1], [0.03]], (2, samples)).astype(np.float32)


@given(order=st.permutations(CHANNELS), seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_swapping_features_is_swapping_the_sound(order: list[str], seed: int) -> None:
    config = FeatureConfig(channels=tuple(order))
    extract, stereo = FeatureExtractor(config), sound(seed)
    np.testing.assert_allclose(swap(extract(stereo), config), extract(stereo[::-1]), atol=2e-4)


def test_it_changes_something_and_twice_is_the_same() -> None:
    config = FeatureConfig()
    features = FeatureExtractor(config)(sound(0))
    before = features.copy()
    swapped = swap(features, config)
    assert np.abs(swapped - features).max() > 0.1
    np.testing.assert_array_equal(features, before)
    np.testing.assert_array_equal(swap(swapped, config), features)


def test_batches() -> None:
    config = FeatureConfig(channels=("logmel_l", "logmel_r", "intensity"))
    batch = np.stack([FeatureExtractor(config)(sound(seed)) for seed in range(3)])
    np.testing.assert_array_equal(swap(batch, config)[1], swap(batch[1], config))


def test_left_without_right_is_refused() -> None:
    config = FeatureConfig(channels=("logmel_l", "intensity"))
    with pytest.raises(UsageError, match="logmel_r"):
        swap(np.zeros((2, 5, 64), np.float32), config)
