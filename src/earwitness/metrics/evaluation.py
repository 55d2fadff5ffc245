"""Scores of event tables in memory, or of folders of labels, and a summary of one clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from earwitness.core.classes.class_files import refuse_difference
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable, SoundEvent
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.counts import count
from earwitness.metrics.label_folder import LabelFolder, files_text, some
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import Scores

_SAME_CLASSES: Final = "both with the same classes (earwitness-classes.json in their folders, or --classes)"


def score_folders(references: LabelFolder, predictions: LabelFolder, protocol: Protocol | str) -> Scores:
    """Score all predictions against all references, files paired by name.

    Raises:
        LabelError: a prediction file has no reference file.
    """
    protocol = Protocol(protocol)
    what = f"the predictions in '{predictions.where}' do not fit the references in '{references.where}'"
    refuse_difference(predictions.vocabulary, references.vocabulary, what, _SAME_CLASSES)
    unknown = sorted(f"{name}.csv" for name in predictions.clips.keys() - references.clips.keys())
    if unknown:
        raise LabelError(
            f"{predictions.where}: {files_text(unknown)} without a reference of the same name in {references.where} "
            f"({some(unknown)}); remove them or complete the references"
        )
    names = sorted(references.clips)
    missing = [f"{name}.csv" for name in names if name not in predictions.clips]
    notes = [*references.notes, *predictions.notes]
    if missing:
        fate = "skipped, as the official scorer does" if protocol is Protocol.DCASE2025 else "counted as misses"
        notes.append(
            f"{predictions.where}: {len(missing)} of {len(names)} predictions are missing, {fate} ({some(missing)})"
        )
    rows = [references.clips[name] for name in names]
    counts = count(names, rows, [predictions.clips.get(name) for name in names], protocol)
    return Scores.from_counts(counts, protocol, tuple(notes))


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


DETECTED_SHARE: Final = 0.3
"""An event counts as detected when its class is reported in at least this share of its frames."""
MAX_GAP: Final = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """Detections of one clip compared with its true events.

    Attributes:
        events: number of true events.
        missed: names of the classes of undetected events.
        extra: names of reported classes that do not occur.
        azimuth_error: median over detected events of the median error, degrees; NaN if none was detected.
        distance_error: the same for the error relative to the true distance.
        onscreen_right: share of detected events with the right on/off screen.
        f_score: F20/1 over all classes together (micro, strict).
    """

    events: int
    missed: tuple[str, ...]
    extra: tuple[str, ...]
    azimuth_error: float
    distance_error: float
    onscreen_right: float
    f_score: float

    def lines(self) -> list[str]:
        """Sentences for a terminal."""
        detected = self.events - len(self.missed)
        missed = f"; missed: {', '.join(self.missed)}" if self.missed else ""
        lines = [f"detected {detected} of {self.events} events{missed}"]
        if self.extra:
            lines.append(f"reported, but not in the clip: {', '.join(self.extra)}")
        if detected:
            lines.append(
                f"typical error of detected events: direction {self.azimuth_error:.0f} degrees, "
                f"distance {self.distance_error:.0%}; on/off screen right for {self.onscreen_right:.0%}"
            )
        lines.append(
            f"F20/1 over all frames {self.f_score:.2f} (1 is perfect: class, within 20 degrees and twice the distance)"
        )
        return lines


def compare(reference: EventTable, detected: EventTable) -> Comparison:
    """Compare the `detected` events with the `reference`, event by event."""
    events = reference.events(max_gap=MAX_GAP)
    matches = [_match(event, detected) for event in events]
    found = [match for match in matches if match is not None]
    extra = set(detected.class_index.tolist()) - set(reference.class_index.tolist())
    return Comparison(
        events=len(events),
        missed=tuple(e.sound_class.name for e, match in zip(events, matches, strict=True) if match is None),
        extra=tuple(detected.vocabulary[index].name for index in sorted(extra)),
        azimuth_error=float(np.median([match[0] for match in found])) if found else float("nan"),
        distance_error=float(np.median([match[1] for match in found])) if found else float("nan"),
        onscreen_right=float(np.mean([match[2] for match in found])) if found else float("nan"),
        f_score=score_tables([reference], [_same_length(detected, reference)]).micro.f_score,
    )


def _match(event: SoundEvent, detected: EventTable) -> tuple[float, float, bool] | None:
    """Median azimuth error, median relative distance error and on/off agreement; None if the event is not detected."""
    truth = event.table
    same = detected.select(np.flatnonzero(detected.class_index == event.sound_class.index))
    rows = [
        (abs(float(same.azimuth[row]) - float(truth.azimuth[index])), row, index)
        for index, frame in enumerate(truth.frame.tolist())
        for row in np.flatnonzero(same.frame == frame).tolist()
    ]
    nearest: dict[int, tuple[float, int]] = {}
    for error, row, index in rows:
        if index not in nearest or error < nearest[index][0]:
            nearest[index] = (error, row)
    if len(nearest) < DETECTED_SHARE * len(truth):
        return None
    distances = [
        abs(float(same.distance[row]) - float(truth.distance[index])) / max(float(truth.distance[index]), 1e-6)
        for index, (_, row) in nearest.items()
    ]
    agreement = np.mean([same.onscreen[row] == truth.onscreen[index] for index, (_, row) in nearest.items()])
    return (
        float(np.median([error for error, _ in nearest.values()])),
        float(np.median(distances)),
        bool(agreement >= 0.5),
    )


def _same_length(table: EventTable, like: EventTable) -> EventTable:
    return table.window(0, like.num_frames)
