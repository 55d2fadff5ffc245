import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import NotStereoError, UnreadableMediaError
from earwitness.features import CHANNELS, FeatureConfig, FeatureExtractor

LABEL = 2400
ALL = FeatureConfig(channels=CHANNELS)
EXTRACT = FeatureExtractor(ALL)
TOLERANCE = 2e-4  # float32; products of matrices of another height are summed in another order.


def sound(samples: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    loudness = np.cumsum(random.normal(0, 0.01, samples))
    return (random.normal(0, 0.05, (2, samples)) * np.exp(loudness - loudness.max(initial=0))).astype(np.float32)


@pytest.mark.parametrize(("hop", "frames"), [(480, 5), (240, 10), (150, 16), (2400, 1), (75, 32)])
def test_each_label_frame_has_its_frames(hop: int, frames: int) -> None:
    features = FeatureExtractor(FeatureConfig(hop=hop))(sound(50 * LABEL))
    assert features.shape == (5, 50 * frames, 64)
    assert features.dtype == np.float32


@pytest.mark.parametrize(("samples", "labels"), [(0, 0), (1, 0), (2399, 0), (2400, 1), (2401, 1), (4799, 1), (4800, 2)])
def test_short_sounds_have_whole_label_frames_only(samples: int, labels: int) -> None:
    features = EXTRACT(sound(samples))
    assert features.shape == (len(CHANNELS), 5 * labels, 64)
    assert np.isfinite(features).all()
    assert EXTRACT.num_frames(samples) == 5 * labels


def test_frames_are_centred_in_their_hop() -> None:
    extract = FeatureExtractor(FeatureConfig(channels=("logmel_m",)))
    for frame in (0, 7, 24):
        click = np.zeros((2, 5 * LABEL), np.float32)
        click[:, frame * 480 + 240] = 1
        loudness = extract(click)[0].mean(axis=1)
        assert loudness.argmax() == frame
        if 0 < frame < 24:
            assert loudness[frame - 1] == pytest.approx(loudness[frame + 1], abs=0.1)


def test_silence_is_finite_and_without_direction() -> None:
    features = dict(zip(CHANNELS, EXTRACT(np.zeros((2, 5 * LABEL))), strict=True))
    for name, values in features.items():
        np.testing.assert_allclose(values, -10 if name.startswith("logmel") else 0, rtol=1e-6)


@given(data=st.data(), hop=st.sampled_from([150, 480]))
@settings(max_examples=15, deadline=None)
def test_chunks_with_context_are_the_whole(data: st.DataObject, hop: int) -> None:
    extract = FeatureExtractor(FeatureConfig(hop=hop, channels=CHANNELS))
    labels, tail = data.draw(st.integers(2, 12)), data.draw(st.integers(0, LABEL - 1))
    begin = data.draw(st.integers(0, labels - 1))
    end = data.draw(st.integers(begin + 1, labels))
    stereo = sound(labels * LABEL + tail)
    left = min(begin * LABEL, extract.context_samples + data.draw(st.integers(0, 999)))
    right = min(stereo.shape[1] - end * LABEL, extract.context_samples)
    chunk = stereo[:, begin * LABEL - left : end * LABEL + right]
    frames = slice(begin * extract.config.frames_per_label, end * extract.config.frames_per_label)
    np.testing.assert_allclose(
        extract.extract(chunk, left=left, right=right), extract(stereo)[:, frames], rtol=0, atol=TOLERANCE
    )


def test_less_context_than_needed_is_not_enough() -> None:
    stereo, short = sound(4 * LABEL), EXTRACT.context_samples - 500
    chunk = EXTRACT.extract(stereo[:, LABEL - short :], left=short)
    assert np.abs(chunk - EXTRACT(stereo)[:, 5:]).max() > 10 * TOLERANCE


def test_context_covers_the_window_and_the_average_of_the_coherence() -> None:
    assert FeatureExtractor(FeatureConfig(channels=("logmel_m",))).context_samples == 512
    assert FeatureExtractor(FeatureConfig(coherence_frames=7)).context_samples == 512 + 3 * 480


def test_channels_come_in_the_order_that_was_asked_for_and_do_not_depend_on_each_other() -> None:
    stereo = sound(3 * LABEL)
    together = EXTRACT(stereo)
    for index, name in enumerate(CHANNELS):
        alone = FeatureExtractor(FeatureConfig(channels=(name,)))(stereo)
        np.testing.assert_allclose(alone[0], together[index], rtol=0, atol=TOLERANCE)


def test_left_and_right_levels() -> None:
    stereo = sound(5 * LABEL)
    stereo[1] = stereo[0] / 10
    features = dict(zip(CHANNELS, EXTRACT(stereo), strict=True))
    np.testing.assert_allclose(features["logmel_l"] - features["logmel_r"], 2, atol=1e-3)
    np.testing.assert_allclose(features["logmel_l"] - features["logmel_m"], 2 * np.log10(1 / 0.55), atol=1e-3)
    np.testing.assert_allclose(features["logmel_l"] - features["logmel_s"], 2 * np.log10(1 / 0.45), atol=1e-3)


def test_long_sounds_are_the_same_as_their_parts() -> None:
    # More frames than are transformed at once, and not a multiple of them.
    stereo = sound(37 * LABEL)
    part = EXTRACT.extract(stereo[:, 20 * LABEL - 3000 :], left=3000)
    np.testing.assert_allclose(EXTRACT(stereo)[:, 100:], part, rtol=0, atol=TOLERANCE)


def test_float64_and_strided_sounds_are_accepted() -> None:
    stereo = sound(2 * LABEL)
    np.testing.assert_array_equal(EXTRACT(stereo.T.copy().T.astype(np.float64)), EXTRACT(stereo))


@pytest.mark.parametrize("shape", [(4800,), (1, 4800), (4800, 2), (1, 2, 4800)])
def test_other_than_two_channels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NotStereoError, match=r"\(2, samples\)"):
        EXTRACT(np.zeros(shape))


def test_sounds_that_are_not_finite_are_refused() -> None:
    stereo = sound(LABEL)
    stereo[1, 100] = np.inf
    with pytest.raises(UnreadableMediaError, match="not finite"):
        EXTRACT(stereo)
