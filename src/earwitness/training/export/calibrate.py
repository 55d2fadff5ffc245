"""Calibration, smoothing and thresholds, chosen on one half of the validation scenes and judged on the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import X, Y, encode
from earwitness.core.vocabulary import CLASSES, NUM_CLASSES
from earwitness.data.dcase.labels import LabelRows
from earwitness.detect.model.calibration import IDENTITY, Calibration, logit
from earwitness.detect.smoothing import Smoothing
from earwitness.metrics import Scores
from earwitness.metrics.matching import Pairs, matched_pairs
from earwitness.metrics.reliability import expected_calibration_error
from earwitness.models.network import Network
from earwitness.training.export.model_export import Judgement
from earwitness.training.loop.validate import ValidSet, decode_outputs, score_outputs

GRID: Final = tuple(np.round(np.arange(0.1, 0.81, 0.05), 2).tolist())
UNTUNED: Final = 0.5
FEWEST_SCENES: Final = 2
UNJUDGED: Final = (
    "Neither tuned nor scored: one half of the validation scenes sets thresholds and calibration, the other judges "
    "them, and there was only one scene; validate on two or more and export again."
)
AUDIBLE: Final = 0.25
"""Probability of a class from which its distance counts."""
SMOOTHINGS: Final = tuple(
    Smoothing(fill_gap_frames=fill, min_event_frames=least, median_azimuth_frames=steady)
    for fill, least, steady in ((1, 2, 0), (3, 3, 0), (5, 4, 5))
)
"""What is tried, gentle to strong."""
FEWEST_CELLS: Final = 50
"""A class that sounds, or is silent, in fewer frames than this is left uncalibrated."""
_NEWTON_STEPS: Final = 30
_RIDGE: Final = 1.0
"""Pull towards the uncalibrated map, in cells' worth of evidence: it decides where there is little."""
_FLATTEST: Final = 0.05
_NEAREST, _FARTHEST = 1e-3, 1e3
"""Factors of the distance, beyond which an answer says nothing of it."""
_FARTHEST_DEG: Final = 40.0
_REWEIGHTINGS: Final = 12
_STIFFNESS: Final = 0.1
"""Weight of a bend of the map against that of an error of 1 degree, for each answer."""
_LEAST_RISE: Final = 0.1
"""Degrees by which a map of the azimuth rises for each degree at least."""


def judge(net: Network, valid: ValidSet) -> Judgement:
    """Everything that is tuned from the even scenes, scores with it on the odd ones: no scene sets what it judges.

    A single scene can do neither: then nothing is tuned or scored, and the card says so.
    """
    if len(valid.references) < FEWEST_SCENES:
        return _unjudged()
    return judge_outputs(valid.outputs(net), valid.references)


def judge_outputs(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> Judgement:
    """The same from physical fields (N, T', 3, classes, 4), not yet calibrated, and N tables."""
    if len(references) < FEWEST_SCENES:
        return _unjudged()
    even, odd = slice(0, None, 2), slice(1, None, 2)
    calibration = calibrate(outputs[even], references[even])
    outputs = calibration.apply(outputs)
    smoothing, thresholds = tune(outputs[even], references[even])
    scores = score_outputs(outputs[odd], references[odd], np.array(thresholds), smoothing)
    reached = figures(scores, len(outputs[odd]))
    probability, truth = cells(outputs[odd], references[odd])
    reached["synthetic/calibration_error"] = round(expected_calibration_error(probability, truth), 4)
    return Judgement(thresholds, reached, calibration, smoothing)


def _unjudged() -> Judgement:
    """What is known after too few scenes."""
    return Judgement((UNTUNED,) * NUM_CLASSES, {}, limits=(UNJUDGED,))


def calibrate(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> Calibration:
    """The calibration that makes these outputs most probable, and their distances right in the relative sense.

    Args:
        outputs: (N, T, 3, classes, 4) physical fields.
        references: N tables.
    """
    activity, truth = cells(outputs, references)
    maps = [_logistic(logit(activity[:, index]), truth[:, index]) for index in range(NUM_CLASSES)]
    slope, offset = zip(*maps, strict=True)
    activities = Calibration(slope=slope, offset=offset)
    pairs = _pairs(activities.apply(outputs), references)
    places = {"azimuth": _azimuth_map(pairs), "distance": _distance_factor(pairs)}
    return Calibration.model_validate(activities.model_dump() | places)


def cells(
    outputs: NDArray[np.float32], references: Sequence[EventTable]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Activity, and whether the class truly sounds, in each frame: (N T, classes) each."""
    activity = np.hypot(outputs[..., X], outputs[..., Y]).max(axis=2).astype(np.float64)
    truth = np.stack([encode(table, activity.shape[1]).active.any(axis=1) for table in references])
    return activity.reshape(-1, NUM_CLASSES), truth.reshape(-1, NUM_CLASSES)


def tune(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> tuple[Smoothing, tuple[float, ...]]:
    """The smoothing, and with it the thresholds, that give the best macro F20/1."""
    swept = [_sweep(outputs, references, smoothing) for smoothing in SMOOTHINGS]
    best = int(np.argmax([f_scores.mean() for _, f_scores in swept]))
    return SMOOTHINGS[best], swept[best][0]


def class_thresholds(
    outputs: NDArray[np.float32], references: Sequence[EventTable], smoothing: Smoothing | None = None
) -> tuple[float, ...]:
    """The threshold of each class with the best F20/1.

    F20/1 of a class depends on no other class's threshold, so that one sweep finds them all. A class that no threshold
    detects keeps 0.5.

    Args:
        outputs: (N, T, 3, classes, 4) physical fields.
        references: N tables.
        smoothing: of the events; None leaves them as decoded.
    """
    return _sweep(outputs, references, smoothing)[0]


def figures(scores: Scores, scenes: int) -> dict[str, float]:
    """Scores for a card; what cannot be said (NaN) is left out."""
    macro = scores.macro
    named = {
        "synthetic/scenes": float(scenes),
        "synthetic/f_score": macro.f_score,
        "synthetic/f_score_onscreen": scores.macro_onscreen.f_score,
        "synthetic/doa_error_deg": macro.doa_error_deg,
        "synthetic/relative_distance_error": macro.relative_distance_error,
        "synthetic/onscreen_accuracy": macro.onscreen_accuracy,
    }
    if macro.per_class is not None:
        named |= {f"synthetic/f_score/{sound.slug}": float(macro.per_class.f_score[sound.index]) for sound in CLASSES}
    return {key: round(value, 4) for key, value in named.items() if not np.isnan(value)}


def _sweep(
    outputs: NDArray[np.float32], references: Sequence[EventTable], smoothing: Smoothing | None
) -> tuple[tuple[float, ...], NDArray[np.float64]]:
    """The best threshold of each class, and F20/1 with it (classes,)."""
    f_scores = np.zeros((len(GRID), NUM_CLASSES))
    for row, threshold in enumerate(GRID):
        each = score_outputs(outputs, references, threshold, smoothing).macro.per_class
        if each is not None:
            f_scores[row] = np.nan_to_num(each.f_score)
    best = np.array(GRID)[f_scores.argmax(axis=0)]
    thresholds = np.where(f_scores.max(axis=0) > 0, best, UNTUNED)
    return tuple(float(value) for value in thresholds), f_scores.max(axis=0)


def _logistic(x: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the logistic regression of `truth` on `x` (n,), by Newton's method."""
    if min(truth.sum(), (~truth).sum()) < FEWEST_CELLS:
        return 1.0, 0.0
    design = np.stack([x, np.ones_like(x)], axis=1)
    start = weights = np.array([1.0, 0.0])
    for _ in range(_NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (truth - probability) - _RIDGE * (weights - start)
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return float(max(weights[0], _FLATTEST)), float(weights[1])


def _pairs(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> Pairs:
    tables = decode_outputs(outputs, AUDIBLE)
    rows, answers = ([LabelRows.from_table(table) for table in side] for side in (references, tables))
    return matched_pairs(rows, answers)


def _azimuth_map(pairs: Pairs) -> tuple[float, ...]:
    """Where answers truly are: the piecewise straight, rising map with the smallest mean absolute error.

    Fitted by reweighted least squares; changes from one knot to the next are pulled towards those of its neighbours, so
    that chance does not make steps. Answers that are far off belong to other sources, and say nothing of how directions
    are bent.
    """
    side = np.where(pairs.answered_azimuth < 0, -1.0, 1.0)
    said, true = pairs.answered_azimuth * side, pairs.azimuth * side
    near = np.abs(said - true) <= _FARTHEST_DEG
    said, true = said[near], true[near]
    if len(said) < FEWEST_CELLS:
        return IDENTITY
    knots = np.array(IDENTITY)
    design = np.maximum(1 - np.abs(said[:, None] - knots) / (knots[1] - knots[0]), 0)[:, 1:]
    bends = np.diff(np.eye(len(knots)), 2, axis=0)[:, 1:]
    pull = _RIDGE * np.eye(len(knots) - 1) + _STIFFNESS * len(said) / 10 * bends.T @ bends
    values = knots[1:]
    for _ in range(_REWEIGHTINGS):
        weight = 1 / np.maximum(np.abs(true - design @ values), 1.0)
        values = np.linalg.solve(design.T @ (weight[:, None] * design) + pull,
                                 design.T @ (weight * true) + pull @ knots[1:])  # fmt: skip
    rising = np.maximum.accumulate(np.concatenate([[0.0], values]) - knots * _LEAST_RISE) + knots * _LEAST_RISE
    rising = np.minimum(rising, 90.0 - (90.0 - knots) * _LEAST_RISE)
    return tuple(round(float(angle), 2) for angle in rising)


def _distance_factor(pairs: Pairs) -> float:
    """The factor of all distances that makes the mean relative distance error of calibrated outputs smallest.

    It is a median: of the true over the answered distance, weighted with the inverse of that. Overestimates cost more
    than underestimates, so that a network that is right in the middle answers too far in this sense. One factor: those
    of single classes were measured to fit the scenes they come from, and no others.
    """
    if len(pairs.distance_cm) < FEWEST_CELLS:
        return 1.0
    ratio = np.sort(np.maximum(pairs.distance_cm, 1.0) / np.maximum(pairs.answered_distance_cm, 1.0))
    weight = np.cumsum(1 / ratio)
    return float(np.clip(ratio[np.searchsorted(weight, weight[-1] / 2)], _NEAREST, _FARTHEST))
