"""Posterior probabilities of each candidate, and of "none of them", as the cause of an event, frame by frame.

Causal inference in multisensory perception (Koerding et al. 2007): an auditory and a visual direction are merged in
proportion to the probability of a common cause. Candidate k has the log-odds

    bias(kind, class) + motion and score terms + log t4(offset / s) - log s - log p0,   s^2 = s_sound^2 + s_sight^2

against "none of the candidates"; t4 is Student's density with 4 degrees of freedom, because directions have outliers,
and p0 the density of the azimuth of other sounds, log(180 p0) = -(b u + c u^2) with u = |azimuth| / 60. The offset is
the difference between the detected azimuth and the azimuth at which a sound from the candidate's place is usually
detected: an uncertain model tends towards the mean, so that sounds from ahead are detected too far to the side, even if
its azimuths are right on average over all sounds that it detects there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fusion.evidence import Evidence
from earwitness.fusion.fusion_settings import FusionSettings

FloatArray = NDArray[np.float64]

_FREEDOM: Final = 4.0
_TRIES: Final = 41
_ZOOMS: Final = 3
HIT_DEG: Final = 20.0
"""Largest error that F20 counts as a hit."""
_UNIT_DEG: Final = 60.0
_LOG_ANYWHERE: Final = -float(np.log(180.0))


def visual_sigma(evidence: Evidence, settings: FusionSettings) -> FloatArray:
    """Uncertainty (m, n) of the directions of the candidates, degrees."""
    fixed = np.array([settings.kinds[kind].sigma_deg for kind in evidence.kinds]).reshape(-1, 1)
    return np.asarray(np.hypot(fixed, settings.width_share * evidence.width))


def log_odds(evidence: Evidence, class_index: int, settings: FusionSettings) -> FloatArray:
    """Log-odds (m, n) of each candidate against none; -inf where it is not in the picture."""
    weights = [settings.kinds[kind] for kind in evidence.kinds]
    fixed = np.array([w.bias[class_index] for w in weights])
    fixed = fixed + np.array([w.motion[class_index] for w in weights]) * evidence.motion
    fixed = fixed + np.array([w.contrast[class_index] for w in weights]) * evidence.contrast
    fixed = fixed + np.array([w.score for w in weights]) * evidence.logit
    sigma = np.hypot(settings.sigma_deg[class_index], visual_sigma(evidence, settings))
    offset = evidence.offset - farther_out(evidence.azimuth, settings.outward)
    angle = log_student(offset / sigma) - np.log(sigma) - _LOG_ANYWHERE
    angle = angle + elsewhere(evidence.azimuth + evidence.offset, settings.elsewhere)
    total = fixed.reshape(-1, 1) + angle
    return np.asarray(np.where(np.isfinite(total), total, -np.inf))


def farther_out(azimuth: FloatArray, outward: tuple[float, float]) -> FloatArray:
    """Outward bias of the detected azimuth, degrees; see `FusionSettings.outward`."""
    return np.asarray(azimuth * (outward[0] - outward[1] * np.abs(azimuth)))


def elsewhere(azimuth: FloatArray, weights: tuple[float, float]) -> FloatArray:
    """Log-ratio of a uniform density to that of the azimuth of sounds with other causes."""
    share = np.abs(azimuth) / _UNIT_DEG
    return np.asarray(weights[0] * share + weights[1] * share**2)


def framed(evidence: Evidence, settings: FusionSettings) -> FloatArray:
    """Probabilities (m,) that the sounding part of each candidate is not above or below the picture."""
    weights = np.array([settings.kinds[kind].framed for kind in evidence.kinds]).reshape(-1, 4)
    odds = weights[:, 0] + (weights[:, 1:] * evidence.framing).sum(axis=1)
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))))


def log_student(x: FloatArray) -> FloatArray:
    """Log-density of Student's t with 4 degrees of freedom: log(3 / 8) - 2.5 log(1 + x^2 / 4)."""
    return np.asarray(np.log(3 / 8) - (_FREEDOM + 1) / 2 * np.log1p(x**2 / _FREEDOM))


def least_loss(places: FloatArray, spreads: FloatArray, weights: FloatArray, miss_deg: float) -> FloatArray:
    """Azimuths (n,) of least expected loss under mixtures of m normal distributions.

    The loss is the size of the error, as in DOAE, plus `miss_deg` for errors above 20 degrees, as in F20. Without the
    latter, the result would be the median of the mixture, which may lie between its modes.

    Args:
        places, spreads: (m, n) means and standard deviations, degrees.
        weights: (m, n), with columns that sum to 1.
        miss_deg: additional loss of a miss, degrees.
    """
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    half = np.maximum(places.max(axis=0) - middle, 1e-6)
    for _ in range(_ZOOMS):
        tried = middle + half * np.linspace(-1, 1, _TRIES)[:, None]
        middle = np.take_along_axis(tried, _losses(tried, places, spreads, weights, miss_deg).argmin(axis=0)[None], 0)[
            0
        ]
        half = half * 2 / (_TRIES - 1)
    return np.asarray(np.clip(middle, places.min(axis=0), places.max(axis=0)))


def _losses(
    tried: FloatArray, places: FloatArray, spreads: FloatArray, weights: FloatArray, miss_deg: float
) -> FloatArray:
    """Expected losses (k, n) of azimuths (k, n)."""
    from scipy.special import ndtr

    away = (tried[:, None] - places) / spreads
    size = spreads * (np.sqrt(2 / np.pi) * np.exp(-(away**2) / 2) + away * (2 * ndtr(away) - 1))
    reach = HIT_DEG / spreads
    missed = 1 - ndtr(away + reach) + ndtr(away - reach)
    return np.asarray((weights * (size + miss_deg * missed)).sum(axis=1))


def posterior(odds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Probabilities of the candidates (m, n) and of none (n,), from log-odds against none."""
    top = np.maximum(odds.max(axis=0, initial=0.0), 0.0)
    weights, none = np.exp(odds - top), np.exp(-top)
    total = weights.sum(axis=0) + none
    return np.asarray(weights / total), np.asarray(none / total)
