"""Errors of matched events, and how many of them lie within the intervals of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.detect.model.interval_model import EventProperties, IntervalModel
from earwitness.metrics.matching import event_pairs

FloatArray = NDArray[np.float64]

_NEAREST_METRES: Final = 0.01


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
