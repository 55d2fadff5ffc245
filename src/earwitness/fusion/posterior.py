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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.vocabulary import SoundClass
from earwitness.fusion.fusion_settings import FusionSettings
from earwitness.vision.boxes import PERSON
from earwitness.vision.candidates import Candidate
from earwitness.vision.motion import MOVING

FloatArray = NDArray[np.float64]

OUTSIDE_FRAMES: Final = 30
"""Label frames before and after an event in which silence is compared with it."""
_LEAST_MOTION: Final = 0.02
_PRIOR_SHARE: Final = 0.25
_PRIOR_FRAMES: Final = 5
"""Prior for motion during silence: the share of frames with motion, and the weight of the prior in frames."""
_AT_EDGE: Final = 0.02
_DEEPEST: Final = 0.25
"""Distances to the edge are clipped here, as a share of the height of the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Evidence for an event of n frames and m candidates.

    Attributes:
        candidates: those that can make a sound of the class and are in the picture during the event.
        azimuth: (m, n) azimuth, degrees; NaN while not in the picture.
        offset: (m, n) degrees from the candidate to the sound, averaged over a window; NaN as above.
        width: (m, n) angular width, degrees.
        distance: (m, n) distance by size, metres, geometric mean over the window; NaN if unknown.
        motion: (m,) share (0..1) of the event in which it moves.
        contrast: (m,) `motion` minus the share of the surrounding silence in which it moves, -1..1; a prior applies if
            there is little silence.
        logit: (m,) log-odds of the detector's score.
        framing: (m, 3) features for whether the sounding part is above or below the picture: its distance to the
            nearer edge, as a share of the height and negative outside; the shares of the event in which the candidate
            touches the upper and the lower edge (0 for the lower edge and mouths, and for the upper edge and feet).
    """

    candidates: tuple[Candidate, ...]
    azimuth: FloatArray
    offset: FloatArray
    width: FloatArray
    distance: FloatArray
    motion: FloatArray
    contrast: FloatArray
    logit: FloatArray
    framing: FloatArray

    @property
    def kinds(self) -> list[str]:
        """Kind of each candidate, a key of `FusionSettings.kinds`."""
        return [kind_of(candidate) for candidate in self.candidates]


def kind_of(candidate: Candidate) -> str:
    """Kind of a candidate, a key of `FusionSettings.kinds`."""
    return "person" if candidate.label == PERSON else "motion" if candidate.label == MOVING else "thing"


def sounding_frames(table: EventTable, class_index: int, num_frames: int) -> NDArray[np.bool_]:
    """(num_frames,) whether a class is active."""
    sounds = np.zeros(max(num_frames, table.num_frames), dtype=np.bool_)
    sounds[table.frame[table.class_index == class_index]] = True
    return sounds


def all_sounding_frames(table: EventTable) -> list[NDArray[np.bool_]]:
    """For each class, (frames,) whether it is active."""
    return [sounding_frames(table, index, table.num_frames) for index in range(len(table.vocabulary))]


def gather(
    event: SoundEvent, candidates: Sequence[Candidate], sounds: NDArray[np.bool_], window_frames: int
) -> Evidence:
    """Collect the evidence for an event.

    Args:
        event: an event with directions.
        candidates: all candidates.
        sounds: (frames,) whether its class is active, in this event or others.
        window_frames: see `FusionSettings`.
    """
    frame, index = event.table.frame.astype(np.int64), event.sound_class.index
    chosen, azimuths, widths, distances = [], [], [], []
    for candidate in candidates:
        if not candidate.may_make(event.sound_class):
            continue
        azimuth = _at(candidate.azimuth[index], candidate.start, frame)
        if np.isfinite(azimuth).any():
            chosen.append(candidate)
            azimuths.append(azimuth)
            widths.append(np.nan_to_num(_at(candidate.width, candidate.start, frame)))
            distances.append(_at(candidate.distance[index], candidate.start, frame))
    shape = (len(chosen), len(frame))
    azimuth = np.stack(azimuths) if chosen else np.zeros(shape)
    offset = event.table.azimuth.astype(np.float64) - azimuth
    motion, contrast = _motion(chosen, frame, sounds)
    score = np.clip([candidate.score for candidate in chosen], 0.02, 0.98)
    return Evidence(
        tuple(chosen),
        azimuth,
        np.where(np.isfinite(offset), _window_mean(offset, window_frames), np.nan),
        np.stack(widths) if chosen else np.zeros(shape),
        _geometric_mean(np.stack(distances), window_frames) if chosen else np.zeros(shape),
        motion,
        contrast,
        np.log(score / (1 - score)),
        np.array([_framing(candidate, event.sound_class, frame) for candidate in chosen]).reshape(-1, 3),
    )


def _framing(candidate: Candidate, sound_class: SoundClass, frame: NDArray[np.int64]) -> tuple[float, float, float]:
    place = np.clip(frame - candidate.start, 0, len(candidate.span) - 1)
    row = float(np.median(candidate.row[sound_class.index, place]))
    top, bottom = candidate.span[place].T
    inside = float(np.clip(min(row, 1 - row), -_DEEPEST, _DEEPEST))
    part = sound_class.made_by if candidate.label == PERSON else ""
    above = 0.0 if part == "feet" else float((top <= _AT_EDGE).mean())
    below = 0.0 if part == "mouth" else float((bottom >= 1 - _AT_EDGE).mean())
    return inside, above, below


def _at(values: NDArray[np.float32], start: int, frame: NDArray[np.int64]) -> FloatArray:
    """Values at some frames of a track that begins at `start`; NaN outside the track."""
    place = frame - start
    inside = (place >= 0) & (place < len(values))
    return np.where(inside, values[np.clip(place, 0, len(values) - 1)], np.nan).astype(np.float64)


def _window_mean(values: FloatArray, half: int) -> FloatArray:
    """Means (m, n) of the finite values over 2 half + 1 places along the last axis."""
    known = np.isfinite(values)
    sums = np.cumsum(np.pad(np.where(known, values, 0), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(known.astype(np.float64), ((0, 0), (1, 0))), axis=1)
    place = np.arange(values.shape[1])
    low, high = np.maximum(place - half, 0), np.minimum(place + half + 1, values.shape[1])
    return np.asarray((sums[:, high] - sums[:, low]) / np.maximum(counts[:, high] - counts[:, low], 1))


def _geometric_mean(distances: FloatArray, half: int) -> FloatArray:
    """Geometric means over the same windows as in `_window_mean`; NaN where the value itself is unknown."""
    mean = np.exp(_window_mean(np.log(distances), half))
    return np.where(np.isfinite(distances), mean, np.nan)


def _motion(
    chosen: list[Candidate], frame: NDArray[np.int64], sounds: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    around = np.arange(max(0, frame[0] - OUTSIDE_FRAMES), min(len(sounds), frame[-1] + 1 + OUTSIDE_FRAMES))
    silent = around[~sounds[around]]
    during = [_moves(candidate, frame) for candidate in chosen]
    outside = [_moves(candidate, silent) for candidate in chosen]
    share = np.array([known.mean() if known.size else 0.0 for known in during])
    usual = [(known.sum() + _PRIOR_FRAMES * _PRIOR_SHARE) / (known.size + _PRIOR_FRAMES) for known in outside]
    return share, share - np.array(usual)


def _moves(candidate: Candidate, frame: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether it moves, for the frames where that is known; a moving region that has ended does not move."""
    frame = frame[(frame >= candidate.shot[0]) & (frame < candidate.shot[1])]
    motion = _at(candidate.motion, candidate.start, frame)
    if candidate.label == MOVING:
        motion = np.nan_to_num(motion)
    return np.asarray(motion[np.isfinite(motion)] > _LEAST_MOTION)


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
    tried: FloatArray,
    places: FloatArray,
    spreads: FloatArray,
    weights: FloatArray,
    miss_deg: float,
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
