import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.features.mel import hz_to_mel, mel_matrix, mel_to_hz


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
