"""A summary in words of one clip's detections against its true events: detected, missed, and typical errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earwitness.core.events import EventTable, SoundEvent
from earwitness.metrics.evaluation import score_tables

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
