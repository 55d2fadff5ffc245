"""The filter of a card (`smoothing.event_filter`) from events of known truth; a part of `fit_any_sound.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.detect.event_filter import EventFilter, event_measures
from earwitness.detect.smoothing import Smoothing
from earwitness.metrics import score_tables

SHARES: Final = (0.1, 0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02)
"""Shares of the right events that may be dropped, tried in this order."""
LARGEST_LOSS: Final = 0.002
"""Of the macro F20/1."""
LARGEST_CLASS_LOSS: Final = 0.025
"""Of the F20/1 of one class: of a hundred events, chance alone takes as much."""
_POOLED_EVENTS: Final = 50
"""Weight of the pooled level in that of a class, in events."""
_RIDGE: Final = 0.01
_CLASS_RIDGE: Final = 10.0


@dataclass(slots=True)
class JudgedEvents:
    """Events of scenes, and which of them are right.

    Attributes:
        measures: one (events, 2) a scene; the change of the azimuth is NaN where there is none.
        classes: one (events,) a scene, indices.
        right: one (events,) a scene.
        tables: events of whole scenes before smoothing, for scores.
        references: their labels.
    """

    measures: list[NDArray[np.float64]] = field(default_factory=list)
    classes: list[NDArray[np.int16]] = field(default_factory=list)
    right: list[NDArray[np.bool_]] = field(default_factory=list)
    tables: list[EventTable] = field(default_factory=list)
    references: list[EventTable] = field(default_factory=list)

    def add(self, table: EventTable, right: Sequence[bool]) -> None:
        """Add the events of a scene; `right` is in the order of `EventTable.runs`."""
        by_event, first, _ = table.runs()
        self.measures.append(event_measures(table))
        self.classes.append(by_event.class_index[first])
        self.right.append(np.array(right, dtype=np.bool_))


def fit_filter(ordinary: JudgedEvents, unseen: JudgedEvents, smoothing: Smoothing, classes: int) -> EventFilter | None:
    """The filter with the largest share of `SHARES` that costs hardly any F20/1 on the ordinary scenes; None if all do.

    The weights are those of a logistic regression of right events, with an offset for each class. The level of a class
    is the log-odds below which this share of its right events lies, drawn to that of all right events, the more the
    fewer it has; less its offset.

    Args:
        ordinary: events of scenes of the classes.
        unseen: events of scenes without any sound of the classes.
        smoothing: of the card.
        classes: number of classes.
    """
    if not ordinary.measures:
        return None
    measures = np.concatenate([*ordinary.measures, *unseen.measures])
    right = np.concatenate([*ordinary.right, *unseen.right])
    index = np.concatenate(ordinary.classes + unseen.classes)
    if not right.any() or right.all():
        return None
    usual = float(np.nanmedian(np.expm1(measures[right, 1])))
    measures[:, 1] = np.where(np.isnan(measures[:, 1]), np.log1p(usual), measures[:, 1])
    weights, offsets = _regression(measures, index, right, classes)
    odds, own = (measures @ weights + offsets[index])[right], index[right]
    plain = smoothing.keeping_unlikely()
    before = _f_scores(ordinary, plain)
    for share in SHARES:
        pooled = float(np.quantile(odds, share))
        levels = np.full(classes, pooled)
        for one in np.unique(own):
            some = odds[own == one]
            total = len(some) * np.quantile(some, share) + _POOLED_EVENTS * pooled
            levels[one] = total / (len(some) + _POOLED_EVENTS)
        values: dict[str, Any] = {
            "weights": tuple(weights.round(3).tolist()),
            "usual_change_deg": round(usual, 2),
            "levels": tuple(np.round(levels - offsets, 3).tolist()),
        }
        found = EventFilter(**values)
        change = _f_scores(ordinary, plain.model_copy(update={"event_filter": found})) - before
        change = change[~np.isnan(change)]
        if not change.size:
            return None
        print(
            f"events dropped, {share:.0%} of the right ones: F20/1 {change.mean():+.4f}, of a class {change.min():+.3f}"
        )
        if change.mean() >= -LARGEST_LOSS and change.min() >= -LARGEST_CLASS_LOSS:
            return found
    return None


def _regression(
    measures: NDArray[np.float64], index: NDArray[np.int16], right: NDArray[np.bool_], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of a logistic regression, and the offset of each class, without the common one."""
    x = np.concatenate([measures, np.ones((len(measures), 1)), np.eye(classes)[index]], axis=1)
    weights = logistic_weights(x, right, [_RIDGE] * (measures.shape[1] + 1) + [_CLASS_RIDGE] * classes)
    return weights[: measures.shape[1]], weights[-classes:]


def logistic_weights(x: NDArray[np.float64], y: NDArray[Any], ridge: Sequence[float]) -> NDArray[np.float64]:
    """Weights (k,) of a logistic regression of `y` (n,) on `x` (n, k), by Newton's method.

    Args:
        x: measures, with a column of ones for an offset.
        y: 1 or True for what is right.
        ridge: (k,) penalty of each squared weight.
    """
    penalty, weights = np.diag(ridge), np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ weights))
        weights -= np.linalg.solve((x.T * (p * (1 - p))) @ x + penalty, x.T @ (p - y) + penalty @ weights)
    return weights


def _f_scores(events: JudgedEvents, smoothing: Smoothing) -> NDArray[np.float64]:
    """F20/1 of each class; NaN for one that does not occur."""
    tables = [smoothing.apply(table) for table in events.tables]
    each = score_tables(events.references, tables).macro.per_class
    return np.full(1, np.nan) if each is None else np.asarray(each.f_score)
