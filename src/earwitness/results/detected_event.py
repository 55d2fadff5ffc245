"""One event of a result as a plain dataclass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.vocabulary import SoundClass


@dataclass(frozen=True)
class DetectedEvent:
    """One sound event, in plain values; `dataclasses.asdict` converts it.

    Attributes:
        start, end: seconds from the beginning.
        name: class, for people.
        slug: class, in files.
        azimuth: median azimuth, degrees, positive to the left; NaN if unknown.
        distance: median distance, metres; NaN if unknown.
        onscreen: whether the source is on screen for at least half of the event.
        score: mean confidence, 0..1.
        source: number that distinguishes sources of one class.
        azimuth_interval, distance_interval: between which values the source is, with a probability of 90 % if the
            event is real; None if unknown.
        sound_class: the class with its caption, colour and other data.
    """

    start: float
    end: float
    name: str
    slug: str
    azimuth: float
    distance: float
    onscreen: bool
    score: float
    source: int = 0
    azimuth_interval: tuple[float, float] | None = None
    distance_interval: tuple[float, float] | None = None
    sound_class: SoundClass = field(kw_only=True, repr=False, compare=False)

    @classmethod
    def of(cls, event: SoundEvent) -> DetectedEvent:
        """The values of an event of a table."""
        kind = event.sound_class
        found = cls(
            round(event.start, 1), round(event.end, 1), kind.name, kind.slug, event.azimuth, event.distance,
            event.onscreen, event.score, event.source, event.azimuth_interval, event.distance_interval,
            sound_class=kind,
        )  # fmt: skip
        object.__setattr__(found, "_table", event.table)  # not a field, so that `asdict` gives plain values
        return found

    @property
    def table(self) -> EventTable:
        """The rows of the event, one every 100 ms.

        Raises:
            AttributeError: the event does not come from a result.
        """
        rows: EventTable = vars(self)["_table"] if "_table" in vars(self) else _no_rows()
        return rows

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return round(self.end - self.start, 1)


def _no_rows() -> NoReturn:
    raise AttributeError("this event was not made by a result, so it has no rows")
