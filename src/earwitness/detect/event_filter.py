"""Which events are probably none of the classes: a logistic regression on their scores and directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earwitness.core.events import EventTable
from earwitness.core.schema import StrictModel
from earwitness.detect.model.calibration import logit

MEASURES: Final = 2
_Weight = Annotated[float, Field(ge=-1e4, le=1e4)]


class EventFilter(StrictModel):
    """Drops events that are probably none of the classes.

    The evidence for an event is `weights` times the logit of its highest score and ln(1 + mean absolute change of its
    azimuth from frame to frame, degrees): real sources reach a high score once and have a steady direction. An event
    below the level of its class is dropped.

    Attributes:
        weights: (2,) of the two measures.
        usual_change_deg: change of the azimuth of events that have none: without direction, or of a single frame.
        levels: (classes,) evidence below which an event is dropped; None: none is.
    """

    weights: Annotated[tuple[_Weight, ...], Field(min_length=MEASURES, max_length=MEASURES)]
    usual_change_deg: float = Field(ge=0, le=180)
    levels: tuple[_Weight | None, ...] = Field(min_length=1)

    def keeps(self, table: EventTable) -> NDArray[np.bool_]:
        """Which events stay: (events,), in the order of `EventTable.runs`.

        Args:
            table: events whose azimuth is not filtered yet.
        """
        by_event, first, _ = table.runs()
        evidence = event_measures(table, self.usual_change_deg) @ np.array(self.weights)
        levels = np.array([-np.inf if level is None else level for level in self.levels])
        return np.asarray(evidence >= levels[by_event.class_index[first]])

    def for_classes(self, places: Sequence[int | None]) -> EventFilter:
        """The filter for other classes. New ones keep all events: the levels of the present ones are too high for them.

        Args:
            places: (new classes,) index of each among the present classes; None: it is none of them.
        """
        levels = tuple(None if place is None else self.levels[place] for place in places)
        return self.model_copy(update={"levels": levels})


def event_measures(table: EventTable, usual_change_deg: float = np.nan) -> NDArray[np.float64]:
    """What the filter weighs: (events, 2), in the order of `EventTable.runs`.

    Args:
        table: events whose azimuth is not filtered yet.
        usual_change_deg: change of the azimuth of events that have none.
    """
    by_event, first, stop = table.runs()
    if not len(first):
        return np.zeros((0, MEASURES))
    change = np.abs(np.diff(by_event.azimuth.astype(np.float64), append=np.nan))
    change[stop - 1] = 0.0
    with np.errstate(invalid="ignore"):
        mean = np.add.reduceat(change, first) / np.maximum(stop - first - 1, 1)
    mean = np.where(np.isnan(mean) | (stop - first < 2), usual_change_deg, mean)
    return np.stack([logit(np.maximum.reduceat(by_event.score, first)), np.log1p(mean)], axis=1)
