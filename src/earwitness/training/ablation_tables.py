"""Rows of an ablation: thresholds from the validation set, counts on the test set, intervals and differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import Decoding, decode
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics import Counts, Protocol, Scores, count, jackknife
from earwitness.metrics.intervals import Interval, Intervals
from earwitness.training.export.calibrate import class_thresholds

Kind = Literal["variant", "ensemble", "without", "seen"]
After = Callable[[str, EventTable], EventTable]
"""Post-processing of a test clip's events: (name of the clip, events) -> events."""
QUANTITIES = ("f_score", "doa_error_deg", "relative_distance_error", "onscreen_accuracy")


@dataclass(frozen=True, slots=True, eq=False)
class SetOutputs:
    """Outputs of a run for a set.

    Attributes:
        names: (N,) of the clips, sorted.
        fields: (N, T, 3, classes, 4) physical fields.
        references: N tables.
        decoding: how the run's tracks are merged into events.
        threshold: of all classes, where the recipe leaves no choice; None tunes one for each class.
    """

    names: tuple[str, ...]
    fields: NDArray[np.float32]
    references: tuple[EventTable, ...]
    decoding: Decoding = "weighted"
    threshold: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row of the table.

    Attributes:
        name: of the row.
        kind: a trained variant, an ensemble, a variant without some of its modalities, or with visual post-processing.
        counts: on the test set, one per seed (a single one for an ensemble).
        valid_f_score: macro F20/1 of each on the validation set, with the thresholds tuned there.
        about: a description in one sentence.
        facts: further values for the JSON, such as parameters or weights.
    """

    name: str
    kind: Kind
    counts: tuple[Counts, ...]
    valid_f_score: tuple[float, ...]
    about: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pooled(self) -> Counts:
        """Counts of all seeds together; each file occurs once, with the sums over the seeds."""
        return Counts.concatenate(self.counts)

    @property
    def scores(self) -> Scores:
        """Scores of all seeds together."""
        return Scores.from_counts(self.pooled, Protocol.STRICT)

    @property
    def each(self) -> tuple[Scores, ...]:
        """Scores of each seed."""
        return tuple(Scores.from_counts(counts, Protocol.STRICT) for counts in self.counts)

    @property
    def intervals(self) -> Intervals:
        """95 % intervals over clips."""
        return jackknife(self.pooled, Protocol.STRICT)

    def minus(self, other: Row) -> Intervals:
        """Paired differences from another row's scores on the same clips."""
        return jackknife(self.pooled, Protocol.STRICT, minus=other.pooled)


def tuned_thresholds(valid: SetOutputs) -> NDArray[np.float64]:
    """Thresholds (classes,) tuned on the validation set, unless the recipe fixes them."""
    if valid.threshold is not None:
        return np.full(len(valid.references[0].vocabulary), valid.threshold)
    return np.array(class_thresholds(valid.fields, valid.references))


def score_run(valid: SetOutputs, test: SetOutputs, after: After | None = None) -> tuple[Counts, float]:
    """Tune thresholds on `valid`; return the counts on `test` and the macro F20/1 on `valid` with these thresholds."""
    thresholds = tuned_thresholds(valid)
    reached = Scores.from_counts(_counts(valid, thresholds), Protocol.STRICT).macro.f_score
    return _counts(test, thresholds, after), reached


def predictions_of(
    outputs: SetOutputs, thresholds: NDArray[np.float64], after: After | None = None
) -> list[EventTable]:
    """Events of each clip of a set."""
    vocabulary = outputs.references[0].vocabulary
    predictions = [
        decode(fields, threshold=thresholds, decoding=outputs.decoding, vocabulary=vocabulary)
        for fields in outputs.fields
    ]
    if after is not None:
        predictions = [after(name, table) for name, table in zip(outputs.names, predictions, strict=True)]
    return predictions


def _counts(outputs: SetOutputs, thresholds: NDArray[np.float64], after: After | None = None) -> Counts:
    predictions = predictions_of(outputs, thresholds, after)
    return count(outputs.names, _rows(outputs.references), _rows(predictions), Protocol.STRICT)


def _rows(tables: Sequence[EventTable]) -> list[LabelRows]:
    return [LabelRows.from_table(table) for table in tables]


def as_json(rows: Sequence[Row], reference: Row) -> dict[str, Any]:
    """All rows as plain values, with intervals, differences from `reference` and scores of each class."""
    return {"reference": reference.name, "rows": {row.name: _row_json(row, reference) for row in rows}}


def _row_json(row: Row, reference: Row) -> dict[str, Any]:
    intervals = row.intervals
    plain: dict[str, Any] = {
        "kind": row.kind,
        "about": row.about,
        "runs": len(row.counts),
        "f_score_each": [round(scores.macro.f_score, 4) for scores in row.each],
        "valid_f_score_each": [round(value, 4) for value in row.valid_f_score],
        **{name: bounds(intervals.of("macro", name)) for name in QUANTITIES},
        "f_score_onscreen": bounds(intervals.of("macro_onscreen", "f_score")),
        "per_class": {
            sound.slug: bounds(intervals.of_class("macro", "f_score", sound.index)) for sound in row.pooled.vocabulary
        },
        **row.facts,
    }  # fmt: skip
    if row is not reference:
        difference = row.minus(reference)
        plain["difference"] = {
            **{name: bounds(difference.of("macro", name)) for name in QUANTITIES},
            "f_score_onscreen": bounds(difference.of("macro_onscreen", "f_score")),
            "per_class": {
                sound.slug: bounds(difference.of_class("macro", "f_score", sound.index))
                for sound in row.pooled.vocabulary
            },
        }
    return plain


def bounds(interval: Interval) -> dict[str, float | None]:
    """Estimate and bounds of an interval; None where undefined."""

    def known(value: float) -> float | None:
        return None if np.isnan(value) else round(value, 4)

    return {"estimate": known(interval.estimate), "low": known(interval.low), "high": known(interval.high)}
