"""Calibration, smoothing, thresholds, intervals: fitted on half of the validation scenes, scored on the other half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import X, Y, encode
from earwitness.data.dcase.labels import LabelRows
from earwitness.detect.model.calibration import IDENTITY, Calibration, logit
from earwitness.detect.smoothing import Smoothing
from earwitness.metrics import Scores
from earwitness.metrics.curves import expected_calibration_error
from earwitness.metrics.matching import Pairs, matched_pairs
from earwitness.models.network import Network
from earwitness.training.export.fit_intervals import fit_intervals
from earwitness.training.export.model_export import TuningResult
from earwitness.training.loop.validate import ValidSet, decode_outputs, score_outputs
from earwitness.training.recipe_sections import RunSpec

GRID: Final = tuple(np.round(np.arange(0.1, 0.81, 0.05), 2).tolist())
UNTUNED: Final = 0.5
FEWEST_SCENES: Final = 2
UNTUNED_LIMIT: Final = (
    "Neither tuned nor scored: half of the validation scenes set thresholds and calibration, the others score them, "
    "but there was only one scene; export again with two scenes or more."
)
FEW_EVENTS_LIMIT: Final = (
    "Gives no intervals for directions and distances: the validation scenes had too few events that it found; export "
    "again with more scenes."
)
AUDIBLE: Final = 0.25
"""Probability from which a detection is used to fit azimuth and distance."""
SMOOTHINGS: Final = tuple(
    Smoothing(fill_gap_frames=fill, min_event_frames=least, median_azimuth_frames=steady)
    for fill, least, steady in ((1, 2, 0), (3, 3, 0), (5, 4, 5))
)
"""Candidates, from weak to strong."""
UNSMOOTHED: Final = Smoothing(fill_gap_frames=0, min_event_frames=1)
"""Keeps the events as they were decoded."""
FEWEST_CELLS: Final = 50
"""A class that is active, or inactive, in fewer frames than this stays uncalibrated."""
_GRADIENT: Final = 1e-7
"""Norm of the gradient of the logistic regression at which its fit ends."""
_RIDGE: Final = 1.0
"""Strength of the ridge towards the uncalibrated map, in cells: it dominates where there are few."""
_FLATTEST: Final = 0.05
_NEAREST, _FARTHEST = 1e-3, 1e3
"""Bounds of the distance factor."""
_FARTHEST_DEG: Final = 40.0
_REWEIGHTINGS: Final = 12
_STIFFNESS: Final = 0.1
"""Weight of a change of the map's slope relative to an error of 1 degree, per prediction."""
_LEAST_RISE: Final = 0.1
"""Smallest slope of the azimuth map, degrees per degree."""


def tune_and_score(net: Network, valid: ValidSet, run: RunSpec | None = None) -> TuningResult:
    """Tune on the even scenes, score on the odd ones, so that no scene is used for both.

    With a single scene nothing is tuned or scored, and the card says so. With the official decoding nothing is tuned.

    Args:
        net: the network.
        valid: the scenes.
        run: the recipe's section, for its decoding and thresholds; None decodes as by default.
    """
    classes = len(valid.references[0].vocabulary) if valid.references else net.config.classes
    if run is not None and run.decoding == "official":
        scores = score_outputs(valid.outputs(net), valid.references, run.thresholds[0], decoding=run.decoding)
        reached = figures(scores, len(valid.references))
        return TuningResult((run.thresholds[0],) * classes, reached, smoothing=UNSMOOTHED)
    if len(valid.references) < FEWEST_SCENES:
        return _untuned(classes)
    return tune_and_score_outputs(valid.outputs(net), valid.references)


def tune_and_score_outputs(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> TuningResult:
    """As `tune_and_score`, from uncalibrated physical fields (N, T', 3, classes, 4) and N reference tables."""
    if len(references) < FEWEST_SCENES:
        return _untuned(outputs.shape[3])
    even, odd = slice(0, None, 2), slice(1, None, 2)
    calibration = calibrate(outputs[even], references[even])
    outputs = calibration.apply(outputs)
    smoothing, thresholds = tune(outputs[even], references[even])
    scores = score_outputs(outputs[odd], references[odd], np.array(thresholds), smoothing)
    reached = figures(scores, len(outputs[odd]))
    probability, truth = cells(outputs[odd], references[odd])
    reached["synthetic/calibration_error"] = round(expected_calibration_error(probability, truth), 4)
    vocabulary = references[0].vocabulary
    events = decode_outputs(outputs, np.array(thresholds), smoothing, vocabulary=vocabulary)
    intervals, verified = fit_intervals(references, events)
    limits = (FEW_EVENTS_LIMIT,) if intervals is None else ()
    return TuningResult(thresholds, reached | verified, calibration, smoothing, limits, intervals)


def _untuned(classes: int) -> TuningResult:
    """Default thresholds and no scores, for too few scenes."""
    return TuningResult((UNTUNED,) * classes, {}, limits=(UNTUNED_LIMIT,))


def calibrate(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> Calibration:
    """Fit activities by maximum likelihood, azimuths by mean absolute error, distances by relative distance error.

    Args:
        outputs: (N, T, 3, classes, 4) physical fields.
        references: N tables.
    """
    activity, truth = cells(outputs, references)
    maps = [_logistic(logit(activity[:, index]), truth[:, index]) for index in range(outputs.shape[3])]
    slope, offset = zip(*maps, strict=True)
    activities = Calibration(slope=slope, offset=offset)
    pairs = _pairs(activities.apply(outputs), references)
    places = {"azimuth": _azimuth_map(pairs), "distance": distance_factor(pairs)}
    return Calibration.model_validate(activities.model_dump() | places)


def cells(
    outputs: NDArray[np.float32], references: Sequence[EventTable]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Predicted activity and true activity (bool) of each class in each frame: (N T, classes) each."""
    activity = np.hypot(outputs[..., X], outputs[..., Y]).max(axis=2).astype(np.float64)
    truth = np.stack([encode(table, activity.shape[1]).active.any(axis=1) for table in references])
    return activity.reshape(-1, activity.shape[2]), truth.reshape(-1, truth.shape[2])


def tune(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> tuple[Smoothing, tuple[float, ...]]:
    """The smoothing with the best macro F20/1, and the thresholds tuned with it."""
    swept = [_sweep(outputs, references, smoothing) for smoothing in SMOOTHINGS]
    best = int(np.argmax([f_scores.mean() for _, f_scores in swept]))
    return SMOOTHINGS[best], swept[best][0]


def class_thresholds(
    outputs: NDArray[np.float32], references: Sequence[EventTable], smoothing: Smoothing | None = None
) -> tuple[float, ...]:
    """The threshold of each class with the best F20/1.

    F20/1 of a class does not depend on the thresholds of the others, so one sweep finds them all. A class that is
    detected at no threshold keeps 0.5.

    Args:
        outputs: (N, T, 3, classes, 4) physical fields.
        references: N tables.
        smoothing: of the events; None applies none.
    """
    return _sweep(outputs, references, smoothing)[0]


def figures(scores: Scores, scenes: int) -> dict[str, float]:
    """Scores for a card; undefined ones (NaN) are left out."""
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
        scored = zip(scores.counts.vocabulary.slugs, macro.per_class.f_score.tolist(), strict=True)
        named |= {f"synthetic/f_score/{slug}": f_score for slug, f_score in scored}
    return {key: round(value, 4) for key, value in named.items() if not np.isnan(value)}


def _sweep(
    outputs: NDArray[np.float32], references: Sequence[EventTable], smoothing: Smoothing | None
) -> tuple[tuple[float, ...], NDArray[np.float64]]:
    """The best threshold of each class, and F20/1 with it (classes,)."""
    f_scores = np.zeros((len(GRID), outputs.shape[3]))
    for row, threshold in enumerate(GRID):
        each = score_outputs(outputs, references, threshold, smoothing).macro.per_class
        if each is not None:
            f_scores[row] = np.nan_to_num(each.f_score)
    best = np.array(GRID)[f_scores.argmax(axis=0)]
    thresholds = np.where(f_scores.max(axis=0) > 0, best, UNTUNED)
    return tuple(float(value) for value in thresholds), f_scores.max(axis=0)


def _logistic(x: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the logistic regression of `truth` on `x`, both (n,), with a ridge towards slope 1, offset 0.

    Classes with too few active or inactive cells keep slope 1 and offset 0.
    """
    if min(truth.sum(), (~truth).sum()) < FEWEST_CELLS:
        return 1.0, 0.0
    design = np.stack([x, np.ones_like(x)], axis=1)
    start = np.array([1.0, 0.0])

    def loss(weights: NDArray[np.float64]) -> float:
        logits = design @ weights
        ridge = _RIDGE / 2 * np.square(weights - start).sum()
        return float(np.logaddexp(0, logits).sum() - logits[truth].sum() + ridge)

    def gradient(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(design.T @ (expit(design @ weights) - truth) + _RIDGE * (weights - start))

    def hessian(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        probability = expit(design @ weights)
        return np.asarray((design * (probability * (1 - probability))[:, None]).T @ design + _RIDGE * np.eye(2))

    found = minimize(loss, start, jac=gradient, hess=hessian, method="trust-exact", options={"gtol": _GRADIENT})
    return float(max(found.x[0], _FLATTEST)), float(found.x[1])


def _pairs(outputs: NDArray[np.float32], references: Sequence[EventTable]) -> Pairs:
    tables = decode_outputs(outputs, AUDIBLE, vocabulary=references[0].vocabulary)
    rows, answers = ([LabelRows.from_table(table) for table in side] for side in (references, tables))
    return matched_pairs(rows, answers)


def _azimuth_map(pairs: Pairs) -> tuple[float, ...]:
    """Map from predicted to true azimuth: the piecewise linear, rising map with the smallest mean absolute error.

    Fitted by reweighted least squares with a penalty on changes of the slope, so that noise does not cause steps.
    Predictions that are far off belong to other sources and are left out.
    """
    side = np.where(pairs.answered_azimuth < 0, -1.0, 1.0)
    predicted, true = pairs.answered_azimuth * side, pairs.azimuth * side
    near = np.abs(predicted - true) <= _FARTHEST_DEG
    predicted, true = predicted[near], true[near]
    if len(predicted) < FEWEST_CELLS:
        return IDENTITY
    knots = np.array(IDENTITY)
    design = np.maximum(1 - np.abs(predicted[:, None] - knots) / (knots[1] - knots[0]), 0)[:, 1:]
    bends = np.diff(np.eye(len(knots)), 2, axis=0)[:, 1:]
    pull = _RIDGE * np.eye(len(knots) - 1) + _STIFFNESS * len(predicted) / 10 * bends.T @ bends
    values = knots[1:]
    for _ in range(_REWEIGHTINGS):
        weight = 1 / np.maximum(np.abs(true - design @ values), 1.0)
        values = np.linalg.solve(design.T @ (weight[:, None] * design) + pull,
                                 design.T @ (weight * true) + pull @ knots[1:])  # fmt: skip
    rising = np.maximum.accumulate(np.concatenate([[0.0], values]) - knots * _LEAST_RISE) + knots * _LEAST_RISE
    rising = np.minimum(rising, 90.0 - (90.0 - knots) * _LEAST_RISE)
    return tuple(round(float(angle), 2) for angle in rising)


def distance_factor(pairs: Pairs) -> float:
    """The factor of all distances that makes the mean relative distance error of calibrated outputs smallest.

    This is the median of true over predicted distance, weighted by the inverse of that ratio. Overestimates cost more
    than underestimates, so a network whose median is right predicts too far in this sense. One factor for all classes:
    factors per class were measured to fit their own scenes and no others.
    """
    if len(pairs.distance_cm) < FEWEST_CELLS:
        return 1.0
    ratio = np.sort(np.maximum(pairs.distance_cm, 1.0) / np.maximum(pairs.answered_distance_cm, 1.0))
    weight = np.cumsum(1 / ratio)
    return float(np.clip(ratio[np.searchsorted(weight, weight[-1] / 2)], _NEAREST, _FARTHEST))
