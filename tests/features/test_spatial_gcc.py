import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.features.spatial import GCC_SECONDS, GccTransform, bin_powers
from earwitness.scenes.acoustics.microphones import microphone_called

RATE, WINDOW = 24_000, 1024
LAGS = np.linspace(-GCC_SECONDS, GCC_SECONDS, 64)
EXTRACT = FeatureExtractor(FeatureConfig(channels=("gcc",)))


def plane_wave(name: str, azimuth: float, seed: int = 0) -> np.ndarray:
    """Half a second of white noise from 1 km away at a microphone: (2, samples)."""
    samples = RATE // 2
    place = 1000.0 * np.array([[np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth)), 0.0]])
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0, 0.1, samples))
    response = microphone_called(name).pair(place, np.fft.rfftfreq(samples, 1 / RATE))[0]
    return np.fft.irfft(spectrum * response, samples)


@pytest.mark.parametrize("azimuth", [-80.0, -30.0, 0.0, 10.0, 55.0])
@pytest.mark.parametrize("name", ["omni-3cm", "phone", "ortf", "cardioid-20cm-30deg"])
def test_a_plane_wave_has_its_peak_at_the_difference_of_its_arrivals(name: str, azimuth: float) -> None:
    # A pair's response to all frequencies; its microphones are spacing / 2 to the left and to the right.
    correlation = EXTRACT(plane_wave(name, azimuth))[0, 5:-5].mean(axis=0)
    expected = microphone_called(name).aperture * np.sin(np.radians(azimuth)) / 343.0
    assert LAGS[correlation.argmax()] == pytest.approx(expected, abs=LAGS[1] - LAGS[0])
    assert correlation.max() > 0.7


def test_coincident_channels_have_it_in_the_middle_whatever_their_levels() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    for left, right in ((1.0, 1.0), (1.0, 0.1), (0.02, 1.0)):
        correlation = EXTRACT(np.stack([left * noise, right * noise]))[0, 5:-5]
        np.testing.assert_allclose(correlation[:, 31], correlation[:, 32], atol=1e-4)
        assert set(correlation.argmax(axis=1)) <= {31, 32}


def test_it_is_the_generalized_correlation_of_the_textbook() -> None:
    left, right = np.random.default_rng(1).normal(0, 0.1, (2, 3, WINDOW)).astype(np.float32)
    first, second = np.fft.rfft(left), np.fft.rfft(right)
    cross = first * second.conj()
    cross /= np.abs(cross)
    frequency = np.fft.rfftfreq(WINDOW, 1 / RATE)[1:]
    expected = (cross[:, 1:, None] * np.exp(-2j * np.pi * frequency[:, None] * LAGS)).real.mean(axis=1)
    bins = bin_powers(*((one / 2).astype(np.complex64) for one in (first + second, first - second)))
    np.testing.assert_allclose(GccTransform.of(RATE, WINDOW, 64)(bins), expected, atol=2e-4)


@given(lags=st.integers(1, 70), seed=st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_swapping_reverses_any_number_of_lags(lags: int, seed: int) -> None:
    mid, side = np.random.default_rng(seed).normal(size=(2, 2, 65, 2)).view(np.complex128)[..., 0].astype(np.complex64)
    transform = GccTransform.of(RATE, 128, lags)
    plain, swapped = transform(bin_powers(mid, side)), transform(bin_powers(mid, -side))
    assert plain.shape == (2, lags)
    np.testing.assert_allclose(swapped, plain[:, ::-1], atol=1e-5)


def test_silence_and_digital_noise_are_finite_and_small() -> None:
    assert not EXTRACT(np.zeros((2, RATE)))[0].any()
    noise = np.random.default_rng(0).integers(-1, 2, (2, RATE)) / 2**19
    assert np.abs(EXTRACT(noise)[0].mean(axis=0)).max() < 0.1
    one_sided = np.stack([np.random.default_rng(0).normal(0, 0.1, RATE), np.zeros(RATE)])
    assert not EXTRACT(one_sided)[0].any()


def test_fingerprints_of_other_configurations_have_not_changed() -> None:
    assert FeatureConfig().fingerprint() == "bdc5f41433bd4eb3"
    assert (
        FeatureConfig(channels=("logmel_m", "gcc")).fingerprint() != FeatureConfig(channels=("logmel_m",)).fingerprint()
    )
