import numpy as np
import pytest

from earwitness.metrics.reliability import Reliability, expected_calibration_error


def test_bins_say_what_was_said_and_what_was_true():
    probability = np.array([0.0, 0.05, 0.31, 0.39, 0.35, 1.0])
    truth = np.array([False, False, True, False, True, True])
    table = Reliability.of(probability, truth)
    np.testing.assert_array_equal(table.count, [2, 0, 0, 3, 0, 0, 0, 0, 0, 1])
    assert table.predicted[3] == pytest.approx(0.35)
    assert table.observed[3] == pytest.approx(2 / 3)
    assert np.isnan(table.observed[1])
    assert table.error == pytest.approx((2 * 0.025 + 3 * (2 / 3 - 0.35)) / 6)


def test_true_probabilities_have_next_to_no_error():
    rng = np.random.default_rng(0)
    probability = rng.random((40_000, 3))
    truth = rng.random(probability.shape) < probability
    assert expected_calibration_error(probability, truth) < 0.01
    assert expected_calibration_error(probability**2, truth) == pytest.approx(1 / 6, abs=0.03)


def test_silence_alone_has_no_error_to_speak_of():
    assert np.isnan(expected_calibration_error(np.full(10, 0.01), np.zeros(10, bool)))
    assert np.isnan(Reliability.of(np.zeros(0), np.zeros(0, bool)).error)
