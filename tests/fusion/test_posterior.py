from __future__ import annotations

import numpy as np
import pytest

from earwitness.fusion.posterior import gather, least_loss, log_odds, log_student, posterior, sounding_frames
from fusion_cases import FRAMES, MALE, SETTINGS, heard, seen


def test_what_reaches_the_pictures_edge_says_so() -> None:
    (event,) = heard(20.0).events()
    sounds = sounding_frames(heard(20.0), MALE, FRAMES)
    evidence = gather(event, [seen(20.0, row=0.5), seen(20.0, row=0.9), seen(20.0, row=-0.1)], sounds, 5)
    # A mouth may be in the picture of somebody whose feet are not.
    np.testing.assert_allclose(evidence.framing, [(0.25, 0, 0), (0.1, 0, 0), (-0.1, 1, 0)], atol=1e-6)
    things = [seen(20.0, "motion", row=0.9), seen(20.0, "motion", row=-0.1)]
    np.testing.assert_allclose(gather(event, things, sounds, 5).framing, [(0.1, 0, 1), (-0.1, 1, 0)], atol=1e-6)


def test_evidence_of_motion_compares_with_the_silence_around() -> None:
    table = heard(20.0)
    (event,) = table.events()
    sounds = sounding_frames(table, MALE, FRAMES)
    in_step, always = seen(20.0, moving=range(5, 25)), seen(20.0, moving=range(30))
    evidence = gather(event, [in_step, always, seen(20.0, "music")], sounds, 5)
    assert len(evidence.candidates) == 2
    np.testing.assert_allclose(evidence.motion, 1)
    # Of ten silent frames and five usual ones, in a quarter of which things move.
    np.testing.assert_allclose(evidence.contrast, [1 - 1.25 / 15, 1 - 11.25 / 15])
    np.testing.assert_allclose(evidence.offset, 0)
    assert log_odds(evidence, MALE, SETTINGS)[0, 0] == pytest.approx(
        log_odds(evidence, MALE, SETTINGS)[1, 0] + 2.0 * 10 / 15
    )


def test_the_angle_is_averaged_over_a_window() -> None:
    wobbling = heard(0.0).with_columns(azimuth=np.where(np.arange(20) % 2, 25.0, 15.0))
    (event,) = wobbling.events()
    evidence = gather(event, [seen(20.0)], sounding_frames(wobbling, MALE, FRAMES), 5)
    assert np.abs(evidence.offset).max() < 1.7


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
