import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.geometry import foa_to_stereo, lateral
from earwitness.features import FeatureConfig, FeatureExtractor

RATE = 24_000
INTENSITY, COHERENCE, LOGMEL_M, LOGMEL_S = range(4)
EXTRACT = FeatureExtractor(FeatureConfig(channels=("intensity", "coherence", "logmel_m", "logmel_s")))


def plane_wave(azimuth: float, elevation: float = 0.0, samples: int = RATE // 2, seed: int = 0) -> np.ndarray:
    """White noise from one direction, as the DCASE stereo microphones hear it: (2, samples)."""
    wave = np.random.default_rng(seed).normal(0, 0.1, samples)
    s = lateral(azimuth, elevation)
    return np.stack([(1 + s) * wave, (1 - s) * wave])


@given(azimuth=st.floats(-90, 90), elevation=st.floats(-80, 80))
@settings(max_examples=30, deadline=None)
def test_intensity_of_a_dry_source_is_its_lateral_direction_in_every_band(azimuth: float, elevation: float) -> None:
    features = EXTRACT(plane_wave(azimuth, elevation))
    np.testing.assert_allclose(features[INTENSITY], lateral(azimuth, elevation), atol=2e-3)


@given(azimuth=st.floats(-85, 85))
@settings(max_examples=30, deadline=None)
def test_a_dry_source_is_coherent_wherever_it_is(azimuth: float) -> None:
    assert EXTRACT(plane_wave(azimuth))[COHERENCE].min() > 0.99


def test_intensity_is_positive_on_the_left() -> None:
    assert EXTRACT(plane_wave(30.0))[INTENSITY].mean() == pytest.approx(0.5, abs=1e-3)
    assert EXTRACT(plane_wave(-30.0))[INTENSITY].mean() == pytest.approx(-0.5, abs=1e-3)


def test_side_to_mid_level_is_the_lateral_direction() -> None:
    features = EXTRACT(plane_wave(30.0))
    np.testing.assert_allclose(features[LOGMEL_S] - features[LOGMEL_M], 2 * np.log10(0.5), atol=1e-2)


def test_a_diffuse_field_has_no_direction_and_little_coherence() -> None:
    random = np.random.default_rng(0)
    waves, samples = 400, 2 * RATE
    direction = random.normal(size=(3, waves))
    x, y, z = direction / np.linalg.norm(direction, axis=0)
    foa = np.zeros((4, samples))
    for wave in range(waves):
        foa += np.outer([1, y[wave], z[wave], x[wave]], random.normal(0, 0.01, samples))
    features = EXTRACT(foa_to_stereo(foa))
    high = features[:, :, 40:]  # Bands with enough frequencies to average over.
    assert abs(high[INTENSITY].mean()) < 0.05
    # Two opposite cardioids in an isotropic field: (1 - 1/3) / (1 + 1/3) = 1/2, squared.
    assert high[COHERENCE].mean() == pytest.approx(0.25, abs=0.05)


def test_two_sources_in_different_bands_keep_their_directions() -> None:
    time = np.arange(RATE) / RATE
    low, high = np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 6000 * time)
    stereo = 0.1 * np.stack([1.5 * low + 0.5 * high, 0.5 * low + 1.5 * high])
    features = EXTRACT(stereo)[:, 2:-2].mean(axis=1)
    order = np.argsort(features[LOGMEL_M])[::-1]
    louder = order[:4]
    assert {np.sign(features[INTENSITY][band]) for band in louder} == {1.0, -1.0}
    np.testing.assert_allclose(np.abs(features[INTENSITY][louder]), 0.5, atol=1e-2)
    assert features[INTENSITY][louder.min()] == pytest.approx(0.5, abs=1e-2)
    assert features[INTENSITY][louder.max()] == pytest.approx(-0.5, abs=1e-2)


def test_a_full_scale_sine_has_power_one() -> None:
    time = np.arange(RATE) / RATE
    sine = np.sin(2 * np.pi * 100 * RATE / 1024 * time)
    features = EXTRACT(np.stack([sine, sine]))[LOGMEL_M][5:-5]
    assert 10 ** features.max() == pytest.approx(1.0, abs=0.4)
    assert features[:, :30].max() < -6  # Leakage of the Hann window, far from the sine.


def test_values_stay_in_their_ranges_for_any_sound() -> None:
    random = np.random.default_rng(0)
    stereo = random.normal(0, 0.1, (2, RATE)) * 10 ** random.uniform(-8, 0, (2, RATE))
    features = EXTRACT(stereo)
    assert np.abs(features[INTENSITY]).max() <= 1
    assert features[COHERENCE].min() >= 0
    assert features[COHERENCE].max() <= 1
    assert features[[LOGMEL_M, LOGMEL_S]].min() >= -10
