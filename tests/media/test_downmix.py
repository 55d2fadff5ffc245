from __future__ import annotations

import numpy as np
import pytest

from earwitness.media.sound.downmix import LOUDEST, silence_damage, stereo_matrix, to_stereo

SIX = ("FL", "FR", "FC", "LFE", "SL", "SR")


def test_gains_of_5_1_are_those_of_bs775() -> None:
    matrix = stereo_matrix(SIX)
    assert matrix is not None
    half = np.sqrt(0.5)
    np.testing.assert_allclose(matrix, [[1, 0, half, 0, half, 0], [0, 1, half, 0, 0, half]], rtol=1e-6)


@pytest.mark.parametrize("names", [("AMBI0", "AMBI1", "AMBI2", "AMBI3"), ("FL", "FR", "UNK")])
def test_unknown_layouts_have_no_matrix(names: tuple[str, ...]) -> None:
    assert stereo_matrix(names) is None
    samples = np.arange(len(names) * 2, dtype=np.float32).reshape(-1, 2)
    stereo, known = to_stereo(samples, names)
    assert not known
    np.testing.assert_array_equal(stereo, samples[:2])


def test_mono_is_on_both_channels_and_stereo_is_unchanged() -> None:
    mono = np.array([[1.0, -2.0]], np.float32)
    np.testing.assert_array_equal(to_stereo(mono, ())[0], [[1, -2], [1, -2]])
    stereo = np.array([[1.0], [2.0]], np.float32)
    np.testing.assert_array_equal(to_stereo(stereo, ())[0], stereo)


def test_damaged_samples_are_set_to_zero_and_counted() -> None:
    samples = np.array([[1.0, np.nan, -np.inf], [2 * LOUDEST, LOUDEST, -0.5]], np.float32)
    assert silence_damage(samples) == 3
    np.testing.assert_array_equal(samples, [[1, 0, 0], [0, LOUDEST, -0.5]])
    assert silence_damage(samples) == 0
