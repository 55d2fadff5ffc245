"""Log-mels as the official DCASE2025 baseline computes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from earwitness.detect.runner.windows import WindowPlan, cut_windows, feature_blocks
from earwitness.features import FeatureConfig, FeatureExtractor

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "official_baseline" / "official_logmel.npz"
OFFICIAL = FeatureConfig(channels=("logmel_l", "logmel_r"), fmin=0.0, logmel="librosa")
RANGE_DB = 80.0


def test_equals_the_official_code() -> None:
    golden = np.load(GOLDEN)
    decibel = 10 * FeatureExtractor(OFFICIAL)(golden["sound"] / 32768)
    found = np.maximum(decibel, decibel.max() - RANGE_DB)
    assert found.shape == golden["logmel"].shape == (2, 251, 64)
    np.testing.assert_allclose(found, golden["logmel"], rtol=0, atol=1e-3)


@pytest.mark.parametrize("samples", [120_000, 60_001, 61_700, 2_400, 100])
def test_a_stream_has_the_features_of_the_whole_sound(samples: int) -> None:
    sound = np.random.default_rng(samples).normal(scale=0.1, size=(2, samples)).astype(np.float32)
    extractor = FeatureExtractor(OFFICIAL)
    unit = OFFICIAL.label_samples
    whole = extractor(np.pad(sound, ((0, 0), (0, -samples % unit))))
    pieces = (sound[:, start : start + 7_001] for start in range(0, samples, 7_001))
    streamed = np.concatenate(list(feature_blocks(pieces, extractor, block_label_frames=10)), axis=1)
    labels = max(1, round(samples / unit))
    assert streamed.shape == (2, labels * OFFICIAL.frames_per_label + 1, 64)
    np.testing.assert_allclose(streamed, whole[:, : streamed.shape[1]], rtol=0, atol=1e-4)


@pytest.mark.parametrize("labels", [50, 75, 76, 124])
def test_windows_hold_the_frame_that_closes_them(labels: int) -> None:
    frames = np.arange(labels * 5 + 1, dtype=np.float32)[None, :, None].repeat(3, axis=2)
    plan = WindowPlan(length=50, hop=25, oversampling=5, closing=1)
    windows = list(cut_windows(iter(np.array_split(frames, 7, axis=1)), plan))
    assert windows[-1].start == labels - 50
    for window in windows:
        assert window.features.shape == (1, 251, 3)
        np.testing.assert_array_equal(window.features[0, :, 0], window.start * 5 + np.arange(251))


def test_a_window_of_5_s_is_the_official_input() -> None:
    golden = np.load(GOLDEN)
    blocks = feature_blocks([(golden["sound"] / 32768).astype(np.float32)], FeatureExtractor(OFFICIAL))
    (window,) = cut_windows(blocks, WindowPlan(closing=OFFICIAL.closing_frames))
    decibel = 10 * window.features
    np.testing.assert_allclose(np.maximum(decibel, decibel.max() - RANGE_DB), golden["logmel"], rtol=0, atol=1e-3)


def test_fingerprints_tell_it_apart_and_the_old_ones_stay() -> None:
    assert FeatureConfig().fingerprint() == "bdc5f41433bd4eb3"  # of the features of 0.1.0: shards stay valid
    assert OFFICIAL.fingerprint() != OFFICIAL.model_copy(update={"logmel": "centred"}).fingerprint()


@pytest.mark.parametrize("wrong", [{"channels": ("logmel_l", "intensity")}, {"window": 512}])
def test_what_it_does_not_go_with_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="librosa"):
        FeatureConfig.model_validate({"channels": ("logmel_l", "logmel_r"), "logmel": "librosa", **wrong})
