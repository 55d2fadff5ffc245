"""Events as tiers, one for each class and source, for annotation tools whose tiers must not overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from earwitness.core.events import SoundEvent

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


@dataclass(frozen=True, slots=True)
class Tier:
    """The events of one class and source.

    Attributes:
        name: the class, numbered from its second source: "Knock", "Knock 2".
        events: in order of time, without overlap.
    """

    name: str
    events: tuple[SoundEvent, ...]


def tiers(result: Detection) -> list[Tier]:
    """Group the events of a result into tiers, in order of class and source."""
    grouped: dict[tuple[int, int], list[SoundEvent]] = {}
    for event in result.iter_events():
        grouped.setdefault((event.sound_class.index, event.source), []).append(event)
    named, of_class = [], dict[int, int]()
    for (index, _), events in sorted(grouped.items(), key=lambda item: item[0]):
        of_class[index] = of_class.get(index, 0) + 1
        number = of_class[index]
        name = events[0].sound_class.name + (f" {number}" if number > 1 else "")
        named.append(Tier(name, tuple(events)))
    return named
