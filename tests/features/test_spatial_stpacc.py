from pathlib import Path

import numpy as np
import pytest

from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.features.spatial import stpacc

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "stpacc.npz"
HOP, WINDOW = 150, 1024


@pytest.fixture(scope="module")
def golden() -> tuple[np.ndarray, np.ndarray]:
    with np.load(GOLDEN) as arrays:
        return arrays["audio_24k"], arrays["stpacc"]


def power_spectra(frames: np.ndarray) -> np.ndarray:
    return (np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2).astype(np.float32)


def test_it_is_that_of_the_authors(golden) -> None:
    audio, expected = golden
    # Their frames: centred on multiples of the hop, the sound mirrored at its ends.
    mirrored = np.pad(audio, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, WINDOW)[::HOP][: len(expected)]
    np.testing.assert_allclose(stpacc(power_spectra(frames)), expected, rtol=0, atol=1e-5)


def test_the_extractor_gives_it_too_away_from_the_ends(golden) -> None:
    audio, expected = golden
    config = FeatureConfig(hop=HOP, channels=("logmel_m", "stpacc"))
    shifted = np.pad(audio, (HOP // 2, HOP // 2))  # Ours are centred half a hop later.
    features = FeatureExtractor(config)(np.stack([shifted, shifted]))[1]
    inner = slice(WINDOW // 2 // HOP + 1, -(WINDOW // 2 // HOP) - 1)
    np.testing.assert_allclose(features[inner], expected[inner], rtol=0, atol=1e-3)


def test_it_does_not_depend_on_the_level(golden) -> None:
    frames = golden[0][: 20 * WINDOW].reshape(20, WINDOW)
    np.testing.assert_allclose(stpacc(power_spectra(frames)), stpacc(power_spectra(frames * 1e-3)), atol=1e-5)


def test_an_echo_is_a_peak_at_its_delay() -> None:
    delay = 200
    noise = np.random.default_rng(0).normal(size=(40, WINDOW + delay))
    dry, wet = noise[:, delay:], noise[:, delay:] + 0.9 * noise[:, :-delay]
    at = delay * 64 // 512
    assert stpacc(power_spectra(wet)).mean(axis=0)[1:].argmax() + 1 == at
    assert stpacc(power_spectra(wet))[:, at].mean() > 4 * abs(stpacc(power_spectra(dry))[:, at].mean())


def test_silence_is_zeros() -> None:
    np.testing.assert_array_equal(stpacc(np.zeros((3, WINDOW // 2 + 1), np.float32)), np.zeros((3, 64)))


@pytest.mark.parametrize(("lags", "bins"), [(256, 64), (512, 32), (400, 50)])
def test_other_sizes(lags: int, bins: int) -> None:
    power = np.random.default_rng(0).random((7, WINDOW // 2 + 1), dtype=np.float32)
    given = stpacc(power, lags, bins)
    assert given.shape == (7, bins)
    assert given.dtype == np.float32
