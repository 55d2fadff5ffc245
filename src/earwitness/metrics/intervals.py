"""Confidence intervals from per-file counts, in O(files): jackknife and bootstrap, also for differences of systems.

The sampling unit is a file, or better a whole recording or room: clips that are crops of one recording resemble each
other, so that intervals over files are too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from earwitness.core.errors import LabelError
from earwitness.metrics.counts import Counts
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import QUANTITIES, average_quantities, class_quantities

FloatArray = NDArray[np.float64]

AVERAGES: Final = {
    "macro": (False, False), "macro_onscreen": (False, True), "micro": (True, False), "micro_onscreen": (True, True),
}  # fmt: skip
"""Each average's `micro` and `onscreen`."""
_RANGES: Final = dict.fromkeys(("f_score", "onscreen_accuracy", "onscreen_accuracy_always_off"), 1.0)
"""Upper ends of the ranges of scores that have one; all lower ends are 0."""
CHUNK: Final = 64
"""Bootstrap samples computed together: limits memory."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, its standard error, and the bounds of its confidence interval; NaN where they cannot be estimated."""

    estimate: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Intervals of all scores, or of the differences between two systems in all scores.

    Attributes:
        method: "jackknife" or "bootstrap".
        unit: the sampling unit: file, recording, room or fold.
        units: number of units.
        confidence: level, such as 0.95.
        values: (28 + 14 classes, 4): estimate, standard error, low, high of each score.
    """

    method: str
    unit: str
    units: int
    confidence: float
    values: FloatArray

    @property
    def classes(self) -> int:
        """Number of classes."""
        return (len(self.values) - len(AVERAGES) * len(QUANTITIES)) // (2 * len(QUANTITIES))

    def of(self, average: str, quantity: str) -> Interval:
        """The interval of one score, such as `of("macro_onscreen", "f_score")`."""
        row = list(AVERAGES).index(average) * len(QUANTITIES) + QUANTITIES.index(quantity)
        return Interval(*self.values[row].tolist())

    def of_class(self, average: str, quantity: str, class_index: int) -> Interval:
        """The interval of one class's score; `average` is macro or macro_onscreen."""
        before = ("macro", "macro_onscreen").index(average) * len(QUANTITIES) + QUANTITIES.index(quantity)
        row = len(AVERAGES) * len(QUANTITIES) + before * self.classes + class_index
        return Interval(*self.values[row].tolist())

    def as_dict(self) -> dict[str, Any]:
        """For JSON: [low, high] of each score, with the structure of the scores."""
        result: dict[str, Any] = {"method": self.method, "unit": self.unit, "units": self.units}
        result["confidence"] = self.confidence
        for average in AVERAGES:
            result[average] = {name: _bounds(self.of(average, name)) for name in QUANTITIES}
        for average in ("macro", "macro_onscreen"):
            result[average]["per_class"] = {
                name: [_bounds(self.of_class(average, name, index)) for index in range(self.classes)]
                for name in QUANTITIES
            }
        return result


def jackknife(
    counts: Counts, protocol: Protocol, *, minus: Counts | None = None, unit: str = "file", confidence: float = 0.95
) -> Intervals:
    """Leave each unit out once (Efron & Stein 1981): t-interval with n - 1 degrees of freedom.

    Under `dcase2025` the interval is centred on the bias-corrected value, as the official scorer intends. Under
    `strict` it is centred on the value itself and limited to the range of the score.

    Args:
        counts: counted under `protocol`.
        protocol: scoring protocol.
        minus: counts of another system on the same files, for intervals of the paired difference
            score(counts) - score(minus).
        unit: the sampling unit: file, recording, room or fold.
        confidence: level of the interval.

    Raises:
        LabelError: there are fewer than two units, or the two systems were counted on different files.
    """
    tables, statistic = _prepare(counts, minus, protocol, unit)
    n = len(tables[0])
    totals = [table.sum(axis=0) for table in tables]
    value = statistic(totals)
    partial = statistic([total - table for total, table in zip(totals, tables, strict=True)])
    mean = partial.mean(axis=0)
    error = np.sqrt((n - 1) * np.square(partial - mean).mean(axis=0))
    centre = value - (n - 1) * (mean - value) if protocol is Protocol.DCASE2025 else value
    reach = float(stdtrit(n - 1, 0.5 + confidence / 2)) * error
    low, high = centre - reach, centre + reach
    if protocol is Protocol.STRICT and minus is None:
        low, high = np.maximum(low, 0.0), np.minimum(high, _highest(len(counts.vocabulary)))
    values = np.stack([value, error, low, high], axis=1)
    return Intervals("jackknife", unit, n, confidence, values)


def _highest(classes: int) -> FloatArray:
    """Upper end of the range of each score of `_all_scores`."""
    rows = [*QUANTITIES] * len(AVERAGES) + [name for name in QUANTITIES * 2 for _ in range(classes)]
    return np.array([_RANGES.get(name, np.inf) for name in rows])


def bootstrap(
    counts: Counts,
    protocol: Protocol,
    *,
    minus: Counts | None = None,
    unit: str = "file",
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Intervals:
    """Draw as many units as there are, with replacement, `resamples` times: percentile interval (Efron 1979).

    For a class that some samples lack, the interval uses the samples that have it. Arguments and errors as `jackknife`;
    with `minus`, both systems are scored on the same samples.
    """
    tables, statistic = _prepare(counts, minus, protocol, unit)
    n = len(tables[0])
    random = np.random.default_rng(np.random.SeedSequence(seed))
    flat = [table.reshape(n, -1) for table in tables]
    samples = []
    for first in range(0, resamples, CHUNK):
        drawn = random.integers(n, size=(min(CHUNK, resamples - first), n))
        weight = np.stack([np.bincount(row, minlength=n) for row in drawn]).astype(np.float64)
        samples.append(statistic([(weight @ part).reshape(-1, *tables[0].shape[1:]) for part in flat]))
    sample = np.concatenate(samples)
    value = statistic([table.sum(axis=0) for table in tables])
    return Intervals("bootstrap", unit, n, confidence, np.stack([value, *_percentiles(sample, confidence)], axis=1))


def _percentiles(sample: FloatArray, confidence: float) -> list[FloatArray]:
    """Standard error, low and high of each column, over the samples in which it is defined."""
    result = np.full((3, sample.shape[1]), np.nan)
    for column, values in enumerate(sample.T):
        known = values[~np.isnan(values)]
        if known.size > 1:
            low, high = np.quantile(known, [0.5 - confidence / 2, 0.5 + confidence / 2])
            result[:, column] = known.std(ddof=1), low, high
    return list(result)


def _prepare(
    counts: Counts, minus: Counts | None, protocol: Protocol, unit: str
) -> tuple[list[FloatArray], Callable[[Sequence[FloatArray]], FloatArray]]:
    """Counts (units, classes, 11) of each system, and the statistic to compute from their sums."""
    if minus is not None and minus.files != counts.files:
        raise LabelError("compare two systems on the same files in the same order")
    if minus is not None and (difference := minus.vocabulary.difference(counts.vocabulary)):
        raise LabelError(f"systems of different classes cannot be compared: {difference}")
    tables = [system.grouped(unit).by("file", "class") for system in (counts, minus) if system is not None]
    if len(tables[0]) < 2:
        raise LabelError(f"confidence intervals need at least 2 units (unit: {unit}), but there are {len(tables[0])}")

    def statistic(totals: Sequence[FloatArray]) -> FloatArray:
        first = _all_scores(totals[0], protocol)
        return first if len(totals) == 1 else first - _all_scores(totals[1], protocol)

    return tables, statistic


def _all_scores(table: FloatArray, protocol: Protocol) -> FloatArray:
    """Counts (..., classes, 11) -> all scores (..., 28 + 14 * classes): averages first, then classes."""
    averages = [
        average_quantities(table, protocol, micro=micro, onscreen=onscreen)[name][..., None]
        for micro, onscreen in AVERAGES.values()
        for name in QUANTITIES
    ]
    classes = [
        class_quantities(table, protocol, onscreen=onscreen)[name] for onscreen in (False, True) for name in QUANTITIES
    ]
    return np.concatenate([*averages, *classes], axis=-1)


def _bounds(interval: Interval) -> list[float] | None:
    return None if np.isnan(interval.low) else [interval.low, interval.high]
