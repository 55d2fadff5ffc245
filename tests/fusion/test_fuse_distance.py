from __future__ import annotations

import numpy as np
import pytest

from earwitness.fusion.fuse import merged_distance
from earwitness.fusion.fusion_settings import DistanceWeights

HEARD, SURE, NONE = np.array([1.0, 2.0]), np.array([[1.0, 1.0]]), np.zeros((1, 2))


def test_without_weights_without_size_or_without_a_cause_nothing_changes() -> None:
    weights = DistanceWeights(heard_spread=0.6, seen_spread=0.2)
    far = np.array([[4.0, 4.0]])
    np.testing.assert_array_equal(merged_distance(HEARD, far, SURE, None), HEARD)
    np.testing.assert_allclose(merged_distance(HEARD, np.full((1, 2), np.nan), SURE, weights), HEARD)
    np.testing.assert_allclose(merged_distance(HEARD, far, NONE, weights), HEARD)


def test_the_truer_sense_counts_for_more() -> None:
    far = np.array([[4.0, 4.0]])
    sharp = merged_distance(HEARD, far, SURE, DistanceWeights(heard_spread=0.6, seen_spread=0.01))
    dull = merged_distance(HEARD, far, SURE, DistanceWeights(heard_spread=0.01, seen_spread=0.6))
    np.testing.assert_allclose(sharp, 4.0, rtol=0.01)
    np.testing.assert_allclose(dull, HEARD, rtol=0.01)


def test_it_moves_by_the_probability_of_a_common_cause() -> None:
    weights = DistanceWeights(heard_short=0.4, heard_spread=0.6, seen_spread=0.2)
    changes = [
        np.log(merged_distance(HEARD, np.array([[4.0, 4.0]]), SURE * share, weights) / HEARD)
        for share in (0.0, 0.25, 0.5, 1.0)
    ]
    np.testing.assert_allclose(np.array(changes) / changes[-1], np.array([[0], [0.25], [0.5], [1.0]]) * np.ones((1, 2)))


def test_the_answer_has_the_least_relative_error() -> None:
    weights = DistanceWeights(heard_spread=0.5, seen_spread=0.4)
    answer = float(merged_distance(np.array([2.0]), np.array([[3.0]]), np.ones((1, 1)), weights)[0])
    precision = 1 / 0.5**2 + 1 / 0.4**2
    middle = (np.log(2.0) / 0.5**2 + np.log(3.0) / 0.4**2) / precision
    true = np.exp(middle + precision**-0.5 * np.random.default_rng(0).standard_normal(400_000))
    tried = answer * np.array([0.9, 1.0, 1.1])
    errors = [np.mean(np.abs(one - true) / true) for one in tried]
    assert int(np.argmin(errors)) == 1


@pytest.mark.parametrize("unknown", [np.nan, 0.0])
def test_a_distance_that_was_not_heard_stays_unknown(unknown: float) -> None:
    weights = DistanceWeights(heard_spread=0.6, seen_spread=0.2)
    found = merged_distance(np.array([unknown, 2.0]), np.array([[4.0, 4.0]]), SURE, weights)
    np.testing.assert_array_equal(found[0], unknown)
    assert found[1] > 2.0
