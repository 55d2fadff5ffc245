"""What the pictures of a file show, and how that changed its events: plain values, as in the JSON document.

A value that was read from a document is written again with the keys that it had, those of later versions included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from earwitness.core.events import SoundEvent
from earwitness.core.schema import DocumentModel, refuse_odd_values


class EventKey(NamedTuple):
    """Tells an event from all others of its table."""

    class_index: int
    source: int
    first_frame: int

    @classmethod
    def of(cls, event: SoundEvent) -> EventKey:
        """The key of an event."""
        return cls(event.sound_class.index, event.source, int(event.table.frame[0]))


class _Values(DocumentModel):
    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _others_are_plain(self) -> Self:
        refuse_odd_values(self.model_extra or {})
        return self

    @model_serializer(mode="wrap")
    def _as_read(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if key in self.model_fields_set}


class VisibleObject(_Values):
    """A person, a thing or a moving region.

    Attributes:
        seen: its number.
        what: its label.
        start, end: seconds.
        azimuth_deg: median over its time; None where it is never in the picture.
        box: left, top, right, bottom as shares of the picture, in the middle of its time.
        score: mean score of the detector.
        sightings: number of pictures in which the detector found it.
    """

    seen: int | None = None
    what: str | None = None
    start: float | None = None
    end: float | None = None
    azimuth_deg: float | None = None
    box: list[float] | None = None
    score: float | None = None
    sightings: int | None = None


class VisualTrack(_Values):
    """What the fusion did, frame by frame: columns of the length of the event's track."""

    azimuth_before: list[float | None] | None = None
    distance_before: list[float | None] | None = None
    onscreen_before: list[bool] | None = None
    common_cause: list[float | None] | None = None
    onscreen_probability: list[float | None] | None = None
    seen: list[int | None] | None = None


class EventVisual(_Values):
    """What the fusion did to one event, and why.

    Attributes:
        azimuth_before_deg: median before the fusion.
        distance_before_m: median before the fusion.
        onscreen_before: on screen before the fusion, in most frames.
        common_cause: mean probability that something visible made the sound.
        onscreen_probability: mean probability of being on screen.
        seen: number of the likeliest object; None where there is none.
        what: its label.
        box: its box in the middle of the event, as shares of the picture.
        why: the explanation, one sentence.
        track: the same frame by frame.
    """

    azimuth_before_deg: float | None = None
    distance_before_m: float | None = None
    onscreen_before: bool | None = None
    common_cause: float | None = None
    onscreen_probability: float | None = None
    seen: int | None = None
    what: str | None = None
    box: list[float] | None = None
    why: str | None = None
    track: VisualTrack | None = None


def _box(value: object) -> object:
    """None for what is no box of pixels: a document may have been edited."""
    match value:
        case [int(left), int(top), int(right), int(bottom)] if left < right:
            return left, top, right, bottom
        case _:
            return None


class Pictures(_Values):
    """What the pictures of a file show.

    Attributes:
        width, height: of the pictures as the detector got them, pixels.
        content: left, top, right, bottom of the pictures without black bars, pixels.
        picture_frames: label frames that have a picture.
        seen: all visible objects.
    """

    width: int | None = None
    height: int | None = None
    content: Annotated[tuple[int, int, int, int] | None, BeforeValidator(_box)] = None
    picture_frames: int | None = None
    seen: list[VisibleObject] | None = None

    @property
    def share(self) -> float:
        """Share of the pictures' width that is not black bar; 1 where that is not known."""
        if self.content is None or not self.width:
            return 1.0
        left, _, right, _ = self.content
        return (right - left) / self.width if 0 <= left < right <= self.width else 1.0


class Visual(ABC):
    """What looking at the pictures of a file gave."""

    @property
    @abstractmethod
    def pictures(self) -> Pictures:
        """What they show."""

    @abstractmethod
    def of(self, event: SoundEvent) -> EventVisual | None:
        """What the fusion did to an event; None where that is not known."""


@dataclass(frozen=True, slots=True)
class SavedVisual(Visual):
    """As it was read from a document.

    Attributes:
        shown: what the pictures show.
        events: what the fusion did to each event.
    """

    shown: Pictures
    events: Mapping[EventKey, EventVisual] = field(default_factory=dict)

    @property
    def pictures(self) -> Pictures:
        """What they show."""
        return self.shown

    def of(self, event: SoundEvent) -> EventVisual | None:
        """What the fusion did to an event; an edited document may have its events in another order."""
        return self.events.get(EventKey.of(event))
