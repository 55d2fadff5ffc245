from __future__ import annotations

import numpy as np

from earwitness.training.data.clip_stream import SceneStream
from earwitness.training.data.feature_statistics import feature_statistics
from fakes import open_tones, tiny_recipe


def test_log_mel_channels_share_their_statistics_and_others_have_their_own() -> None:
    features = tiny_recipe().features.model_copy(update={"channels": ("logmel_l", "logmel_r", "intensity")})
    stream = SceneStream(open_tones, features, seed=5, swap="none")
    mean, std = feature_statistics(stream, 3)
    assert mean.shape == std.shape == (3, 1, 1)
    assert mean[0] == mean[1]
    assert std[0] == std[1]
    maps = np.concatenate([stream.scene(index)[1] for index in range(3)], axis=1)
    np.testing.assert_allclose(mean[0].item(), maps[:2].mean(), rtol=1e-4)
    np.testing.assert_allclose(std[0].item(), maps[:2].std(), rtol=1e-4)
    np.testing.assert_allclose(mean[2].item(), maps[2].mean(), atol=1e-5)


def test_channels_without_variance_get_a_deviation_that_can_divide() -> None:
    features = tiny_recipe().features.model_copy(update={"channels": ("logmel_m", "intensity")})
    stream = SceneStream(open_tones, features, seed=5, swap="none")
    assert (feature_statistics(stream, 1)[1] >= 1e-3).all()
