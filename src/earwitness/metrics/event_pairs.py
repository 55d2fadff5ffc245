"""Predicted events and the true sources that they belong to: whole events, where `matching` pairs rows.

A predicted event is matched to a true source if at least half of its rows are paired with that source: rows of the same
class and frame, paired so that the sum of their azimuth errors is smallest, as in the scores. So a matched event is
real, and of the right class, but it may be far off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.metrics.matching import match

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAST_SHARE: Final = 0.5
"""Share of an event's rows that must be paired with one source."""


@dataclass(frozen=True, slots=True, eq=False)
class EventPairs:
    """Matched events of several clips, one entry each.

    Attributes:
        clip: (n,) index of the clip.
        event: (n,) index of the event among the runs of the predicted table; see `EventTable.runs`.
        azimuth: (n,) median azimuth of the source in the paired frames, degrees.
        distance: (n,) median distance of the source in the paired frames, metres.
        overlap: (n,) number of true events of any class at once, mean over the paired frames, rounded.
    """

    clip: IntArray
    event: IntArray
    azimuth: FloatArray
    distance: FloatArray
    overlap: IntArray

    def __len__(self) -> int:
        """Number of matched events."""
        return self.clip.size


def event_pairs(references: Sequence[EventTable], predictions: Sequence[EventTable]) -> EventPairs:
    """The matched events of clips; events without a direction are left out."""
    entries: list[tuple[float, ...]] = []
    for clip, (true, predicted) in enumerate(zip(references, predictions, strict=True)):
        entries += [(clip, *entry) for entry in _of_clip(true, predicted)]
    columns = np.array(entries, dtype=np.float64).reshape(-1, 5).T
    return EventPairs(
        columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2], columns[3], columns[4].astype(np.int64)
    )


def _of_clip(true: EventTable, predicted: EventTable) -> list[tuple[float, ...]]:
    by_event, first, stop = predicted.runs()
    true = true.select(np.isfinite(true.azimuth) & np.isfinite(true.distance))
    pairs = match(_cells(true), true.azimuth.astype(np.float64), _cells(by_event), by_event.azimuth.astype(np.float64))
    partner = np.full(len(by_event), -1, dtype=np.int64)
    partner[pairs.prediction] = pairs.reference
    at_once = np.bincount(true.frame, minlength=1)
    entries: list[tuple[float, ...]] = []
    for number, (begin, end) in enumerate(zip(first.tolist(), stop.tolist(), strict=True)):
        rows = partner[begin:end]
        rows = rows[rows >= 0]
        if not rows.size or not np.isfinite(by_event.azimuth[begin]):
            continue
        sources, counts = np.unique(true.source[rows], return_counts=True)
        best = int(counts.argmax())
        if counts[best] < LEAST_SHARE * (end - begin):
            continue
        rows = rows[true.source[rows] == sources[best]]
        azimuth, distance = (float(np.median(column[rows])) for column in (true.azimuth, true.distance))
        entries.append((number, azimuth, distance, float(np.floor(at_once[true.frame[rows]].mean() + 0.5))))
    return entries


def _cells(table: EventTable) -> IntArray:
    return table.frame.astype(np.int64) * len(table.vocabulary) + table.class_index
