"""Scores from counts: F20/1 with and without on/off, DOAE, RDE, distance error, on/off accuracy, SELD error.

The same formulas apply to one data set, to thousands of leave-one-out estimates and to conditions: all take counts of
shape (..., classes, 11) and return shape (...).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.core.vocabulary import DCASE2025
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.counts import COLUMNS, Counts, count
from earwitness.metrics.protocols import EPS, Protocol

FloatArray = NDArray[np.float64]
QUANTITIES: Final = (
    "f_score", "doa_error_deg", "distance_error", "relative_distance_error", "onscreen_accuracy",
    "onscreen_accuracy_always_off", "seld_error",
)  # fmt: skip
"""Names of the scores: F20/1 in [0, 1]; degrees; centimetres; ratio; [0, 1]; [0, 1]; mean(1 - F, DOAE/180, RDE)."""
UNDETECTED_DOA_ERROR_DEG: Final = 180.0
UNDETECTED_RELATIVE_DISTANCE_ERROR: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """Scores (classes,); NaN for a class that does not occur (f_score) or was never detected (the others)."""

    f_score: FloatArray
    doa_error_deg: FloatArray
    distance_error: FloatArray
    relative_distance_error: FloatArray
    onscreen_accuracy: FloatArray
    onscreen_accuracy_always_off: FloatArray
    seld_error: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class AverageScores:
    """Scores over all classes; NaN where undefined.

    Attributes:
        f_score: F20/1, or F20/1/on-off in the on/off variant, in [0, 1].
        doa_error_deg: mean angle between matched pairs, degrees.
        distance_error: mean distance error of matched pairs, centimetres.
        relative_distance_error: mean distance error over reference distance.
        onscreen_accuracy: share of matched pairs that agree on on/off.
        onscreen_accuracy_always_off: `onscreen_accuracy` of predictions that are always "off".
        seld_error: mean(1 - f_score, doa_error_deg / 180, relative_distance_error).
        per_class: in macro averages only.
    """

    f_score: float
    doa_error_deg: float
    distance_error: float
    relative_distance_error: float
    onscreen_accuracy: float
    onscreen_accuracy_always_off: float
    seld_error: float
    per_class: ClassScores | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: numbers and lists, None for NaN."""
        result: dict[str, Any] = {name: _plain(getattr(self, name)) for name in QUANTITIES}
        if self.per_class is not None:
            result["per_class"] = {
                name: [_plain(value) for value in getattr(self.per_class, name).tolist()] for name in QUANTITIES
            }
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """All scores of one evaluation; F of `macro_onscreen` and `micro_onscreen` requires the right on/off too.

    Attributes:
        counts: the counts from which the scores are computed.
        notes: notes on the data, such as missing files, one sentence each.
    """

    protocol: Protocol
    macro: AverageScores
    macro_onscreen: AverageScores
    micro: AverageScores
    micro_onscreen: AverageScores
    counts: Counts
    notes: tuple[str, ...] = ()

    @classmethod
    def from_counts(cls, counts: Counts, protocol: Protocol, notes: tuple[str, ...] = ()) -> Scores:
        """Scores of counts of the same protocol."""
        table = counts.by("class")
        macro, micro = (
            [_average(table, protocol, micro=micro, onscreen=onscreen) for onscreen in (False, True)]
            for micro in (False, True)
        )
        return cls(protocol, macro[0], macro[1], micro[0], micro[1], counts, notes)

    @property
    def undetected(self) -> tuple[int, ...]:
        """Classes that occur in the references but are never matched."""
        table = self.counts.by("class")
        pairs, missed = table[:, COLUMNS.index("pairs")], table[:, COLUMNS.index("missed")]
        return tuple(np.flatnonzero((pairs == 0) & (missed > 0)).tolist())

    def _classes(self) -> dict[str, Any]:
        """Names of the classes, in the order of the lists of scores; DCASE's are known."""
        own = self.counts.vocabulary
        return {} if own.slugs == DCASE2025.slugs else {"classes": list(own.slugs)}

    def as_dict(self) -> dict[str, Any]:
        """For JSON: macro, macro_onscreen, micro, micro_onscreen (a stable contract), protocol and notes."""
        averages = ("macro", "macro_onscreen", "micro", "micro_onscreen")
        return {
            "protocol": self.protocol.value,
            "files": len(self.counts.files),
            **self._classes(),
            "undetected_classes": list(self.undetected),
            "notes": list(self.notes),
            **{name: getattr(self, name).as_dict() for name in averages},
        }


def class_quantities(table: FloatArray, protocol: Protocol, *, onscreen: bool = False) -> dict[str, FloatArray]:
    """Scores of each class (or of any other bin).

    Args:
        table: (..., 11) counts.
        protocol: scoring protocol.
        onscreen: whether a pair must agree on on/off to count in F.

    Returns:
        `QUANTITIES`, each (...); NaN where a class does not occur or is never matched.
    """
    of = {name: table[..., position] for position, name in enumerate(COLUMNS)}
    found = of["found_onscreen" if onscreen else "found"]
    # TP + FP_spatial + (FP + FN) / 2, since TP + FP_spatial are all pairs.
    whole = of["pairs"] + 0.5 * (of["false_alarms"] + of["missed"])
    f_score = found / (whole + EPS) if protocol is Protocol.DCASE2025 else _ratio(found, whole)
    pairs = np.where(of["pairs"] > 0, of["pairs"] + EPS, np.nan)
    result = {
        "f_score": f_score,
        "doa_error_deg": of["angle"] / pairs,
        "distance_error": of["distance"] / pairs,
        "relative_distance_error": of["relative"] / pairs,
        "onscreen_accuracy": of["onscreen_correct"] / pairs,
        "onscreen_accuracy_always_off": of["reference_off"] / pairs,
    }
    result["seld_error"] = _seld_error(result)
    return result


def average_quantities(
    table: FloatArray, protocol: Protocol, *, micro: bool = False, onscreen: bool = False
) -> dict[str, FloatArray]:
    """Scores over classes.

    Args:
        table: (..., classes, 11) counts.
        protocol: scoring protocol.
        micro: pool the classes' counts instead of averaging their scores.
        onscreen: whether a pair must agree on on/off to count in F.

    Returns:
        `QUANTITIES`, each (...).
    """
    if micro:
        table = table.sum(axis=-2, keepdims=True)
    each = class_quantities(table, protocol, onscreen=onscreen)
    if protocol is Protocol.STRICT:
        each = _with_undetected(each, table)
    # The official F of a class without data is 0, not NaN, and is included in the mean.
    result = {name: _nanmean(each[name]) for name in QUANTITIES if name != "seld_error"}
    result["seld_error"] = _seld_error(result)
    return result


def _average(table: FloatArray, protocol: Protocol, *, micro: bool, onscreen: bool) -> AverageScores:
    values = {
        name: float(value)
        for name, value in average_quantities(table, protocol, micro=micro, onscreen=onscreen).items()
    }
    each = None if micro else ClassScores(**class_quantities(table, protocol, onscreen=onscreen))
    return AverageScores(**values, per_class=each)


def _with_undetected(each: dict[str, FloatArray], table: FloatArray) -> dict[str, FloatArray]:
    """Classes with references that are never matched get the worst scores instead of NaN."""
    missed = table[..., COLUMNS.index("missed")]
    undetected = (table[..., COLUMNS.index("pairs")] == 0) & (missed > 0)
    worst: dict[str, float | FloatArray] = {
        "doa_error_deg": UNDETECTED_DOA_ERROR_DEG,
        "relative_distance_error": UNDETECTED_RELATIVE_DISTANCE_ERROR,
        "distance_error": _ratio(table[..., COLUMNS.index("missed_distance")], missed),
        "onscreen_accuracy": 0.0,
    }
    return each | {name: np.where(undetected, value, each[name]) for name, value in worst.items()}


def _seld_error(of: dict[str, FloatArray]) -> FloatArray:
    """Mean of 1 - F, DOAE / 180 and RDE (the ranking score of earlier DCASE editions)."""
    return np.asarray((1 - of["f_score"] + of["doa_error_deg"] / 180 + of["relative_distance_error"]) / 3)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Part divided by whole; NaN where the whole is 0."""
    return np.asarray(part / np.where(whole > 0, whole, np.nan))


def _nanmean(values: FloatArray) -> FloatArray:
    """Mean over the last axis ignoring NaN; NaN, without a warning, where all values are NaN."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def score_tables(
    references: Sequence[EventTable],
    predictions: Sequence[EventTable],
    protocol: Protocol | str = Protocol.STRICT,
    names: Sequence[str] | None = None,
) -> Scores:
    """Score tables in memory; the result equals that of writing both as CSV and scoring the files, rounding included.

    Args:
        references, predictions: one table per clip, in the same order.
        protocol: scoring protocol.
        names: names of the clips, for counts by room and other groups; by default their numbers.

    Raises:
        LabelError: the numbers of clips differ, or a row has no direction or distance (NaN).
    """
    protocol = Protocol(protocol)
    files = [f"clip{number:06d}" for number in range(len(references))] if names is None else list(names)
    rows = [LabelRows.from_table(table) for table in references]
    answers = [LabelRows.from_table(table) for table in predictions]
    return Scores.from_counts(count(files, rows, answers, protocol), protocol)
