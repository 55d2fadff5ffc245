import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.features import TAGGER_CHANNELS, FeatureConfig, FeatureExtractor, swap
from earwitness.features.mel import LOWEST, hz_to_mel, log_mel, mel_matrix, mel_to_hz, window_samples


def test_slaneys_scale() -> None:
    # Linear at 200/3 Hz per mel up to 1 kHz; from there 27 mel for each factor of 6.4.
    np.testing.assert_allclose(hz_to_mel([0, 200, 1000, 6400]), [0, 3, 15, 42])


@given(st.floats(0, 24_000))
def test_scale_and_inverse(hz: float) -> None:
    assert float(mel_to_hz(hz_to_mel(hz))) == pytest.approx(hz, abs=1e-6)


def test_triangles_peak_in_order_and_overlap_by_half() -> None:
    matrix = mel_matrix(24_000, 8192, 64, 50.0, 12_000.0)
    assert matrix.shape == (4097, 64)
    assert (np.diff(matrix.argmax(axis=0)) > 0).all()
    assert matrix.max() <= 1
    assert (matrix.max(axis=0) > 0.9).all()
    peaks = matrix.argmax(axis=0)
    # Between the first and the last peak, neighbouring triangles fill each other up to 1.
    np.testing.assert_allclose(matrix[peaks[0] + 1 : peaks[-1]].sum(axis=1), 1, atol=1e-5)


def test_a_band_without_frequencies_is_refused() -> None:
    with pytest.raises(UsageError, match="mel band 0 of 256 is empty"):
        mel_matrix(24_000, 512, 256, 50.0, 12_000.0)


def test_the_cached_matrix_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        mel_matrix(24_000, 1024, 64, 50.0, 12_000.0)[0, 0] = 1


CONFIG = FeatureConfig(channels=("logmel_m", "intensity", *TAGGER_CHANNELS))
EXTRACT = FeatureExtractor(CONFIG)


def tone(hz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def windows(sound: np.ndarray, rate: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(sound, window_samples(rate))[:: rate // 100]


@pytest.mark.parametrize("hz", [200.0, 1000.0, 3300.0, 7000.0])
@pytest.mark.parametrize("rate", [24_000, 48_000])
def test_the_same_sound_looks_the_same_at_any_rate(hz: float, rate: int) -> None:
    own, other = (log_mel(windows(tone(hz, each), each), each) for each in (16_000, rate))
    assert np.exp(own).max() > 10  # the tone, not the offset
    np.testing.assert_allclose(np.exp(other[:90]), np.exp(own[:90]), atol=0.02 * np.exp(own).max())


def test_the_channels_are_its_frames_in_turn() -> None:
    click = np.zeros((2, 24_000), np.float32)
    for frame in (0, 7, 32):
        for half in range(2):
            click[:] = 0
            click[:, frame * 480 + 120 + 240 * half] = 1
            heard = EXTRACT(click)[-2:].mean(axis=2)
            loudest = np.unravel_index(heard.argmax(), heard.shape)
            assert (int(loudest[0]), int(loudest[1])) == (half, frame)


def test_silence_and_short_sounds() -> None:
    np.testing.assert_allclose(EXTRACT(np.zeros((2, 4800)))[-2:], LOWEST, rtol=1e-6)
    assert EXTRACT(np.zeros((2, 2399))).shape == (4, 0, 64)


def test_chunks_are_the_whole_and_sides_do_not_matter() -> None:
    stereo = np.random.default_rng(0).normal(0, 0.1, (2, 48_000)).astype(np.float32)
    whole, context = EXTRACT(stereo), EXTRACT.context_samples
    part = EXTRACT.extract(stereo[:, 9600 - context : 24_000 + context], left=context, right=context)
    np.testing.assert_allclose(part, whole[:, 20:50], atol=2e-4)
    np.testing.assert_array_equal(swap(whole, CONFIG)[-2:], whole[-2:])
