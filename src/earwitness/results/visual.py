"""The visual analysis of a file as plain values, as in the JSON document: visible objects, and changes to events.

A value read from a document is written with the same keys, including those of later versions.
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
from earwitness.results.detected_event import DetectedEvent


class EventKey(NamedTuple):
    """Identifies an event within its table."""

    class_index: int
    source: int
    first_frame: int

    @classmethod
    def of(cls, event: SoundEvent | DetectedEvent) -> EventKey:
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
    """A person, an object or a moving region.

    Attributes:
        seen: its number.
        what: its label.
        start, end: seconds.
        azimuth_deg: median azimuth; None if it is never within the picture.
        box: left, top, right, bottom at its middle frame, as shares of the picture.
        boxes: its box over time: rows of frame, left, top, right, bottom, to be interpolated.
        score: mean score of the detector.
        sightings: number of pictures in which the detector found it.
    """

    seen: int | None = None
    what: str | None = None
    start: float | None = None
    end: float | None = None
    azimuth_deg: float | None = None
    box: list[float] | None = None
    boxes: list[tuple[float, float, float, float, float]] | None = None
    score: float | None = None
    sightings: int | None = None


class VisualTrack(_Values):
    """Effect of the fusion frame by frame, in columns of the length of the event's track."""

    azimuth_before: list[float | None] | None = None
    distance_before: list[float | None] | None = None
    onscreen_before: list[bool] | None = None
    common_cause: list[float | None] | None = None
    onscreen_probability: list[float | None] | None = None
    seen: list[int | None] | None = None


class EventVisual(_Values):
    """Effect of the fusion on one event, and its explanation.

    Attributes:
        azimuth_before_deg: median azimuth before the fusion.
        distance_before_m: median distance before the fusion.
        onscreen_before: whether most frames were on screen before the fusion.
        common_cause: mean probability that a visible object made the sound.
        onscreen_probability: mean probability of being on screen.
        seen: number of the most likely object; None if there is none.
        what: its label.
        box: its box at the middle frame of the event, as shares of the picture.
        why: the explanation in one sentence.
        track: the values frame by frame.
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
    """Replace an invalid box by None; the document may have been edited."""
    match value:
        case [int(left), int(top), int(right), int(bottom)] if left < right:
            return left, top, right, bottom
        case _:
            return None


class Pictures(_Values):
    """The pictures of a file and the objects in them.

    Attributes:
        width, height: size of the analysed pictures, pixels.
        content: left, top, right, bottom of the picture area without black bars, pixels.
        picture_frames: number of label frames with a picture.
        seen: all visible objects.
    """

    width: int | None = None
    height: int | None = None
    content: Annotated[tuple[int, int, int, int] | None, BeforeValidator(_box)] = None
    picture_frames: int | None = None
    seen: list[VisibleObject] | None = None

    @property
    def share(self) -> float:
        """Share of the width without black bars; 1 if unknown."""
        if self.content is None or not self.width:
            return 1.0
        left, _, right, _ = self.content
        return (right - left) / self.width if 0 <= left < right <= self.width else 1.0


class Visual(ABC):
    """The result of the visual analysis of a file."""

    @property
    @abstractmethod
    def pictures(self) -> Pictures:
        """The pictures and the objects in them."""

    @abstractmethod
    def of(self, event: SoundEvent | DetectedEvent) -> EventVisual | None:
        """The effect of the fusion on an event; None if unknown."""


@dataclass(frozen=True, slots=True)
class SavedVisual(Visual):
    """The visual analysis read from a document.

    Attributes:
        shown: the pictures and the objects in them.
        events: the effect of the fusion on each event.
    """

    shown: Pictures
    events: Mapping[EventKey, EventVisual] = field(default_factory=dict)

    @property
    def pictures(self) -> Pictures:
        """The pictures and the objects in them."""
        return self.shown

    def of(self, event: SoundEvent | DetectedEvent) -> EventVisual | None:
        """The effect of the fusion on an event; works even if an edited document has its events in another order."""
        return self.events.get(EventKey.of(event))
