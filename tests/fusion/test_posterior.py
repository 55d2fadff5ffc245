from __future__ import annotations

import numpy as np
import pytest

from earwitness.fusion.posterior import least_loss, log_student, posterior

MIXTURES = 30


def test_the_density_of_students_t() -> None:
    from scipy import stats

    x = np.linspace(-8, 8, 41)
    np.testing.assert_allclose(log_student(x), stats.t(4).logpdf(x), atol=1e-12)


def test_posteriors_add_up_whatever_the_odds() -> None:
    odds = np.array([[0.0, 800.0, -np.inf], [0.0, 790.0, -np.inf]])
    each, none = posterior(odds)
    np.testing.assert_allclose(each.sum(axis=0) + none, 1)
    np.testing.assert_allclose(each[:, 0], 1 / 3)
    assert none[2] == 1
    assert posterior(np.zeros((0, 2)))[1].tolist() == [1, 1]


def mixtures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(8)
    weights = random.dirichlet(np.ones(3), MIXTURES).T
    return random.uniform(-60, 60, (3, MIXTURES)), random.uniform(2, 18, (3, MIXTURES)), weights


@pytest.mark.parametrize("miss", [0.0, 20.0])
def test_the_azimuth_of_least_loss(miss: float) -> None:
    """Against losses counted over drawn places."""
    places, spreads, weights = mixtures()
    found = least_loss(places, spreads, weights, miss)
    random = np.random.default_rng(9)
    tried = np.linspace(-60, 60, 121)
    for n in range(MIXTURES):
        which = random.choice(3, 4000, p=weights[:, n])
        drawn = random.normal(places[which, n], spreads[which, n])

        def loss(azimuth: float, drawn: np.ndarray = drawn) -> float:
            error = np.abs(drawn - azimuth)
            return float(error.mean() + miss * (error > 20).mean())

        inside = tried[(tried >= places[:, n].min()) & (tried <= places[:, n].max())]
        assert loss(float(found[n])) <= min(loss(azimuth) for azimuth in inside) + 0.5


def test_without_a_cost_of_misses_half_lies_on_each_side() -> None:
    from scipy.special import ndtr

    places, spreads, weights = mixtures()
    found = least_loss(places, spreads, weights, 0.0)
    below = (weights * ndtr((found - places) / spreads)).sum(axis=0)
    inner = (found > places.min(axis=0) + 0.1) & (found < places.max(axis=0) - 0.1)
    assert inner.sum() > MIXTURES / 2
    np.testing.assert_allclose(below[inner], 0.5, atol=5e-3)


def test_a_cost_of_misses_stays_where_most_of_it_is() -> None:
    places, spreads = np.array([[0.0], [50.0]]), np.full((2, 1), 12.0)
    weights = np.array([[0.47], [0.53]])
    between, within = least_loss(places, spreads, weights, 0.0), least_loss(places, spreads, weights, 200.0)
    assert 20 < between[0] < 40
    assert within[0] > 42
