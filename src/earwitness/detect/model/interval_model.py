"""Prediction intervals: between which azimuths and distances the source of a detected event lies.

Quantiles of the errors are predicted from the event itself (linear quantile regression), and then widened or narrowed
until, on events that the regression has not seen, the wanted share lies within, separately for one, two, and three or
more events at once.

The promise is about real events: that with this class, at this time, there is a source. An event that is a false alarm
has no true direction, and its interval says nothing.

Source: Romano, Patterson & Candès 2019, "Conformalized quantile regression"; Vovk, Gammerman & Shafer 2005 for the
groups (Mondrian conformal prediction); Lei et al. 2018 for the scaling of errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from earwitness.core.events import EventTable
from earwitness.core.schema import StrictModel
from earwitness.results.detection import EventIntervals
from earwitness.results.visual import EventKey

FloatArray = NDArray[np.float64]

GROUPS: Final = ("1 event", "2 events", "3 events and more")
"""Numbers of events at once that are calibrated separately."""
TERMS: Final = ("two_at_once", "three_at_once", "score", "side", "far_side", "duration", "unsteady")
"""Properties of an event that its error depends on, besides its class; see `EventProperties`."""
OFFSET_DEG: Final = 1.0
"""Added to azimuth errors before the logarithm, so that errors of 0 do not count infinitely."""
_LARGEST_LOG: Final = 6.0
"""Limit of logarithms: beyond a half circle for degrees, and a factor of 400 for distances."""

Weight = Annotated[float, Field(ge=-1e3, le=1e3)]
Margins = Annotated[tuple[Weight, ...], Field(min_length=len(GROUPS), max_length=len(GROUPS))]
Interval = tuple[float, float]
"""Lower and upper end."""
Counts = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=len(GROUPS), max_length=len(GROUPS))]


@dataclass(frozen=True, slots=True, eq=False)
class EventProperties:
    """What the error of an event is predicted from: one entry for each run of a table, in the order of `runs`.

    Attributes:
        terms: (n, TERMS): how far the mean number of events at once exceeds 1 and 2, up to 1 each; mean score; median
            |azimuth| / 90, and its part beyond 60 degrees / 30; ln of the duration in seconds; ln(1 + mean change of
            the azimuth from frame to frame, degrees).
        class_index: (n,).
        group: (n,) index in `GROUPS`.
        azimuth: (n,) median azimuth, degrees; NaN without direction.
        distance: (n,) median distance, metres.
        first_frame: (n,).
        source: (n,).
    """

    terms: FloatArray
    class_index: NDArray[np.int64]
    group: NDArray[np.int64]
    azimuth: FloatArray
    distance: FloatArray
    first_frame: NDArray[np.int64]
    source: NDArray[np.int64]

    @classmethod
    def of(cls, table: EventTable) -> EventProperties:
        """The properties of all events of a table of smoothed events."""
        by_event, first, stop = table.runs()
        at_once = np.bincount(by_event.frame, minlength=1)[by_event.frame] if len(by_event) else np.zeros(0)
        azimuth, distance, unsteady = np.zeros((3, first.size))
        for number, (begin, end) in enumerate(zip(first.tolist(), stop.tolist(), strict=True)):
            azimuths = by_event.azimuth[begin:end].astype(np.float64)
            azimuth[number], distance[number] = np.median(azimuths), np.median(by_event.distance[begin:end])
            unsteady[number] = np.abs(np.diff(azimuths)).mean() if end - begin > 1 else 0.0
        length = (stop - first).astype(np.float64)
        overlap = np.add.reduceat(at_once, first) / length if first.size else np.zeros(0)
        score = np.add.reduceat(by_event.score.astype(np.float64), first) / length if first.size else np.zeros(0)
        side = np.nan_to_num(np.abs(azimuth))
        terms = (
            np.clip(overlap - 1, 0, 1),
            np.clip(overlap - 2, 0, 1),
            score,
            side / 90,
            np.maximum(side - 60, 0) / 30,
            np.log(length / 10),
            np.log1p(np.nan_to_num(unsteady)),
        )
        return cls(
            np.stack(terms, axis=1),
            by_event.class_index[first].astype(np.int64),
            np.clip(np.floor(overlap + 0.5).astype(np.int64), 1, len(GROUPS)) - 1,
            azimuth,
            distance,
            by_event.frame[first].astype(np.int64),
            by_event.source[first].astype(np.int64),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[EventProperties]) -> Self:
        """The events of several tables, one after the other; at least one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def __len__(self) -> int:
        """Number of events."""
        return self.azimuth.size

    def select(self, rows: NDArray[Any]) -> EventProperties:
        """Some of the events: a mask, or indices."""
        return EventProperties(*(getattr(self, field.name)[rows] for field in fields(self)))


class ErrorModel(StrictModel):
    """A quantile of the error of an event, as the sum of a value for its class and of weighted terms.

    Attributes:
        classes: (classes,) one value for each class.
        terms: one weight for each of `TERMS`.
    """

    classes: tuple[Weight, ...]
    terms: Annotated[tuple[Weight, ...], Field(min_length=len(TERMS), max_length=len(TERMS))]

    def predict(self, events: EventProperties) -> FloatArray:
        """(n,) the quantile of each event."""
        return np.asarray(np.array(self.classes)[events.class_index] + events.terms @ np.array(self.terms))


class IntervalModel(StrictModel):
    """The intervals of a model's events.

    Attributes:
        coverage: share of the real events whose source lies within.
        azimuth: upper quantile of ln(|error| in degrees + `OFFSET_DEG`).
        nearest, farthest: lower and upper quantile of ln(true / predicted distance).
        azimuth_margin: addition to `azimuth`, for each of `GROUPS`.
        distance_margin: subtracted from `nearest` and added to `farthest`, for each of `GROUPS`.
        events: number of events that determined the margins of each group.
    """

    coverage: float = Field(0.9, ge=0.5, lt=1)
    azimuth: ErrorModel
    nearest: ErrorModel
    farthest: ErrorModel
    azimuth_margin: Margins
    distance_margin: Margins
    events: Counts

    @model_validator(mode="after")
    def _same_classes(self) -> IntervalModel:
        counts = {len(part.classes) for part in (self.azimuth, self.nearest, self.farthest)}
        if len(counts) != 1:
            raise ValueError("azimuth, nearest and farthest have different numbers of classes")
        return self

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.azimuth.classes)

    def azimuth_half_width(self, events: EventProperties) -> FloatArray:
        """(n,) half of the width of the azimuth intervals before they are cut at 90 degrees; NaN without direction."""
        log = self.azimuth.predict(events) + np.array(self.azimuth_margin)[events.group]
        width = np.maximum(np.exp(np.minimum(log, _LARGEST_LOG)) - OFFSET_DEG, 0.0)
        return np.where(np.isnan(events.azimuth), np.nan, width)

    def distance_factors(self, events: EventProperties) -> tuple[FloatArray, FloatArray]:
        """(n,) and (n,) factors from the predicted distance to both ends of the interval."""
        margin = np.array(self.distance_margin)[events.group]
        low, high = self.nearest.predict(events) - margin, self.farthest.predict(events) + margin
        middle = (low + high) / 2  # quantiles that cross leave an interval without width
        near, far = np.minimum(low, middle), np.maximum(high, middle)
        return np.exp(np.clip(near, -_LARGEST_LOG, _LARGEST_LOG)), np.exp(np.clip(far, -_LARGEST_LOG, _LARGEST_LOG))

    def of(self, table: EventTable) -> dict[EventKey, EventIntervals]:
        """The intervals of all events of a table of smoothed events that have a direction or a distance."""
        events = EventProperties.of(table)
        keys = zip(events.class_index.tolist(), events.source.tolist(), events.first_frame.tolist(), strict=True)
        found = zip(keys, self.azimuths(events), self.distances(events), strict=True)
        return {EventKey(*key): EventIntervals(*ends) for key, *ends in found if any(ends)}

    def azimuths(self, events: EventProperties) -> list[Interval | None]:
        """The interval of each event's azimuth within -90..90 degrees; None without direction."""
        width = self.azimuth_half_width(events)
        low, high = np.maximum(events.azimuth - width, -90.0), np.minimum(events.azimuth + width, 90.0)
        return _intervals(low, high)

    def distances(self, events: EventProperties) -> list[Interval | None]:
        """The interval of each event's distance, metres; None without distance."""
        near, far = self.distance_factors(events)
        return _intervals(events.distance * near, events.distance * far)


def _intervals(low: FloatArray, high: FloatArray) -> list[Interval | None]:
    known = np.isfinite(low) & np.isfinite(high)
    return [
        (near, far) if here else None
        for near, far, here in zip(low.tolist(), high.tolist(), known.tolist(), strict=True)
    ]
