"""Fits the intervals of a model's events on validation scenes, and verifies them on scenes that did not fit them.

Quantiles of the errors are fitted by regression; margins are then determined on scenes that the regression has not
seen, in five folds, so that all scenes count. The figures for the card are those of the odd scenes with the intervals
of the even ones, and the other way round; the intervals of all scenes are exported. See `detect.model.interval_model`
for the method and its sources; for the folds Vovk 2015, "Cross-conformal predictors".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from earwitness.core.events import EventTable
from earwitness.detect.model.interval_model import GROUPS, OFFSET_DEG, TERMS, ErrorModel, EventProperties, IntervalModel
from earwitness.metrics.matching import event_pairs

FloatArray = NDArray[np.float64]
_NEAREST_METRES: Final = 0.01
COVERAGE: Final = 0.9
FEWEST_EVENTS: Final = 200
"""With fewer matched events to fit the quantiles or to determine the margins, a model gets no intervals."""
FOLDS: Final = 5
POOLED: Final = 50
"""The margin of a group is a mean of its own and that of all events, which has the weight of this many events: the
regression knows the number of events at once already, and small groups would get margins by chance."""
_SOFTNESS: Final = 0.02
"""Width of the corner of the quantile loss, which is rounded so that it has a gradient."""
_RIDGE: Final = 5.0
"""Strength of the ridge on terms and on differences between classes, in events."""
_DIGITS: Final = 4
_MOST_WEIGHT: Final = 1e3


@dataclass(frozen=True, slots=True, eq=False)
class EventErrors:
    """Matched events: their properties and what is true.

    Attributes:
        properties: of the predicted events.
        true_azimuth: (n,) degrees.
        true_distance: (n,) metres.
        overlap: (n,) true number of events at once.
        clip: (n,) index of the clip.
        num_classes: number of classes of the vocabulary.
    """

    properties: EventProperties
    true_azimuth: FloatArray
    true_distance: FloatArray
    overlap: NDArray[np.int64]
    clip: NDArray[np.int64]
    num_classes: int

    @classmethod
    def of(cls, references: Sequence[EventTable], predictions: Sequence[EventTable]) -> EventErrors:
        """The matched events of N clips; see `event_pairs`."""
        pairs = event_pairs(references, predictions)
        parts = [EventProperties.of(table) for table in (*predictions, EventTable.empty())]
        begins = np.cumsum([0, *(len(part) for part in parts)])
        chosen = EventProperties.concatenate(parts).select(begins[pairs.clip] + pairs.event)
        classes = max((len(table.vocabulary) for table in predictions), default=0)
        return cls(chosen, pairs.azimuth, pairs.distance, pairs.overlap, pairs.clip, classes)

    def __len__(self) -> int:
        """Number of matched events."""
        return self.true_azimuth.size

    @property
    def azimuth(self) -> FloatArray:
        """(n,) |true - predicted| azimuth, degrees."""
        return np.abs(self.true_azimuth - self.properties.azimuth)

    @property
    def log_distance(self) -> FloatArray:
        """(n,) ln(true / predicted distance)."""
        true, predicted = (
            np.maximum(metres, _NEAREST_METRES) for metres in (self.true_distance, self.properties.distance)
        )
        return np.asarray(np.log(true / predicted))

    def select(self, rows: NDArray[Any]) -> EventErrors:
        """Some of the events: a mask, or indices."""
        names = ("true_azimuth", "true_distance", "overlap", "clip")
        columns = {name: getattr(self, name)[rows] for name in names}
        return replace(self, properties=self.properties.select(rows), **columns)


@dataclass(frozen=True, slots=True, eq=False)
class IntervalCheck:
    """Whether matched events lie within their intervals.

    Attributes:
        azimuth, distance: (n,) whether the true value lies within.
        azimuth_width: (n,) width of the azimuth interval, degrees.
        distance_ratio: (n,) upper end of the distance interval over its lower end.
        group: (n,) predicted number of events at once, as an index in `GROUPS`.
        overlap: (n,) true number of events at once.
        class_index: (n,).
        clip: (n,) index of the clip.
    """

    azimuth: NDArray[np.bool_]
    distance: NDArray[np.bool_]
    azimuth_width: FloatArray
    distance_ratio: FloatArray
    group: NDArray[np.int64]
    overlap: NDArray[np.int64]
    class_index: NDArray[np.int64]
    clip: NDArray[np.int64]

    @classmethod
    def of(cls, model: IntervalModel, errors: EventErrors) -> IntervalCheck:
        """Check matched events."""
        events = errors.properties
        half = model.azimuth_half_width(events)
        near, far = model.distance_factors(events)
        log = errors.log_distance
        low, high = np.maximum(events.azimuth - half, -90), np.minimum(events.azimuth + half, 90)
        return cls(
            errors.azimuth <= half,
            (np.log(near) <= log) & (log <= np.log(far)),
            high - low,
            far / near,
            events.group,
            errors.overlap,
            events.class_index,
            errors.clip,
        )

    @classmethod
    def joined(cls, parts: Sequence[IntervalCheck]) -> IntervalCheck:
        """Several checks as one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def summary(self, rows: NDArray[np.bool_] | slice = slice(None)) -> dict[str, float]:
        """Number of events, shares within, and median widths, of all events or of some of them."""
        count = int(self.azimuth[rows].size)
        if not count:
            return {"events": 0}
        return {
            "events": count,
            "azimuth_coverage": float(self.azimuth[rows].mean()),
            "azimuth_width_deg": float(np.median(self.azimuth_width[rows])),
            "distance_coverage": float(self.distance[rows].mean()),
            "distance_ratio": float(np.median(self.distance_ratio[rows])),
        }


def fit_intervals(
    references: Sequence[EventTable], predictions: Sequence[EventTable], coverage: float = COVERAGE
) -> tuple[IntervalModel | None, dict[str, float]]:
    """Fit on all clips, and verify on clips that were left out.

    Args:
        references: N tables.
        predictions: N tables of smoothed events.
        coverage: share of the real events whose source is to lie within.

    Returns:
        The intervals, or None where there are too few matched events; and figures for the card.
    """
    errors = EventErrors.of(references, predictions)
    halves = [errors.select(errors.clip % 2 == half) for half in (0, 1)]
    if min(map(len, halves)) < FEWEST_EVENTS:
        return None, {}
    checks = [
        IntervalCheck.of(calibrated(here, coverage), there) for here, there in zip(halves, halves[::-1], strict=True)
    ]
    return calibrated(errors, coverage), figures(IntervalCheck.joined(checks))


def calibrated(errors: EventErrors, coverage: float) -> IntervalModel:
    """Intervals fitted on these events, with margins from events that were left out of the fit."""
    fold = (errors.clip // 2) % FOLDS
    parts = [
        (fit_quantiles(errors.select(fold != number), coverage), errors.select(fold == number))
        for number in range(FOLDS)
    ]
    azimuth, distance = (
        np.concatenate([scores(model, part) for model, part in parts]) for scores in (_azimuth_scores, _distance_scores)
    )
    group = np.concatenate([part.properties.group for _, part in parts])
    groups = [group == number for number in range(len(GROUPS))]
    update = {
        "azimuth_margin": _margins(azimuth, groups, coverage),
        "distance_margin": _margins(distance, groups, coverage),
        "events": tuple(int(here.sum()) for here in groups),
    }
    return IntervalModel.model_validate(fit_quantiles(errors, coverage).model_dump() | update)


def fit_quantiles(errors: EventErrors, coverage: float) -> IntervalModel:
    """Intervals whose margins are 0: the quantiles alone."""
    events, classes, tail = errors.properties, errors.num_classes, (1 - coverage) / 2
    zero = (0.0,) * len(GROUPS)
    return IntervalModel(
        coverage=coverage,
        azimuth=_quantile(events, classes, np.log(errors.azimuth + OFFSET_DEG), coverage),
        nearest=_quantile(events, classes, errors.log_distance, tail),
        farthest=_quantile(events, classes, errors.log_distance, 1 - tail),
        azimuth_margin=zero,
        distance_margin=zero,
        events=(0,) * len(GROUPS),
    )


def _azimuth_scores(model: IntervalModel, errors: EventErrors) -> FloatArray:
    return np.log(errors.azimuth + OFFSET_DEG) - model.azimuth.predict(errors.properties)


def _distance_scores(model: IntervalModel, errors: EventErrors) -> FloatArray:
    events, log = errors.properties, errors.log_distance
    return np.maximum(model.nearest.predict(events) - log, log - model.farthest.predict(events))


def figures(check: IntervalCheck) -> dict[str, float]:
    """Coverage and widths for the card."""
    named = {f"interval/{name}": value for name, value in check.summary().items()}
    for group, label in enumerate(GROUPS):
        part = check.summary(check.group == group)
        named |= {f"interval/{name}/{label}": value for name, value in part.items()}
    return {name: round(value, _DIGITS) for name, value in named.items()}


def conformal_quantile(scores: FloatArray, coverage: float) -> float:
    """The score that a further one exceeds with a probability of at most 1 - `coverage`; infinite for too few scores.

    Source: Vovk et al. 2005; Lei et al. 2018, algorithm 2: of n scores, the one of rank ceil((n + 1) coverage).
    """
    rank = int(np.ceil((scores.size + 1) * coverage - 1e-9))
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= scores.size else float("inf")


def _margins(scores: FloatArray, groups: Sequence[NDArray[np.bool_]], coverage: float) -> tuple[float, ...]:
    whole = conformal_quantile(scores, coverage)
    margins = []
    for group in groups:
        own, count = conformal_quantile(scores[group], coverage), int(group.sum())
        margins.append((count * own + POOLED * whole) / (count + POOLED) if np.isfinite(own) else whole)
    return tuple(round(float(np.clip(margin, -_MOST_WEIGHT, _MOST_WEIGHT)), _DIGITS) for margin in margins)


def _quantile(events: EventProperties, classes: int, values: FloatArray, level: float) -> ErrorModel:
    """Linear quantile regression of `values` (n,), with a ridge that pulls classes together and terms towards 0.

    Source: Koenker & Bassett 1978; the corner of the loss is rounded.
    """
    members = np.eye(classes)[events.class_index]
    design = np.concatenate([np.ones((len(events), 1)), events.terms, members], axis=1)
    start = np.zeros(design.shape[1])
    start[0] = np.quantile(values, level)
    free = np.ones(start.size)
    free[0] = 0.0

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        rest = (values - design @ weights) / _SOFTNESS
        total = _SOFTNESS * (level * rest + np.logaddexp(0, -rest)).sum() + _RIDGE / 2 * (free * weights**2).sum()
        return float(total), np.asarray(-design.T @ (level - expit(-rest)) + _RIDGE * free * weights)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    found = np.clip(np.round(found, _DIGITS), -_MOST_WEIGHT, _MOST_WEIGHT)
    terms, offsets = found[1 : 1 + len(TERMS)], found[0] + found[1 + len(TERMS) :]
    return ErrorModel(classes=tuple(np.round(offsets, _DIGITS).tolist()), terms=tuple(terms.tolist()))
