"""The JSON document of a result. It is lossless: `read_events` returns exactly the table that was written.

Numbers are the shortest decimals that convert to the same float32; an unknown direction or distance is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY, VocabularyRecord
from earwitness.core.errors import LabelError
from earwitness.core.events import FRAME_RATE, FRAME_SECONDS, MOST_FRAMES, EventTable, SoundEvent
from earwitness.core.files.small_files import TABLE_BYTES, read_bytes
from earwitness.core.schema import DocumentModel, PlainValues, first_problem
from earwitness.core.source_numbers import separate_sources
from earwitness.core.version import __version__, commit
from earwitness.results.detection import Detection, file_text
from earwitness.results.json_stream import document_pieces, placeholder
from earwitness.results.visual import EventVisual, Pictures

SCHEMA_VERSION: Final = 1
"""Increased when older readers would misinterpret the file; new keys alone do not increase it."""


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"the interval ends ({ends[1]:g}) before it begins ({ends[0]:g})")
    return ends


Frame = Annotated[int, Field(ge=0, lt=MOST_FRAMES)]


class Tool(DocumentModel):
    """The program that wrote the file."""

    name: str = "earwitness"
    version: str = __version__
    commit: str = "unknown"


class Source(DocumentModel):
    """The media file; duration in seconds."""

    file: str | None
    duration: float = Field(ge=0, le=MOST_FRAMES * FRAME_SECONDS)
    has_video: bool
    sha256: str | None = None


class Model(DocumentModel):
    """The model that detected the events."""

    name: str
    sha256: str


class EventTrack(DocumentModel):
    """An event frame by frame, in columns of the same length: degrees, positive to the left, and metres."""

    frames: list[Frame]
    azimuth: list[float | None]
    distance: list[float | None]
    onscreen: list[bool]
    score: list[float]

    @model_validator(mode="after")
    def _one_length(self) -> EventTrack:
        lengths = {name: len(getattr(self, name)) for name in ("frames", "azimuth", "distance", "onscreen", "score")}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"columns differ in length: {lengths}")
        return self


Interval = Annotated[tuple[float, float], AfterValidator(_rising)]
"""Lower and upper end."""


class Event(DocumentModel):
    """One sound event: times in seconds, medians over its track, mean score.

    The intervals hold the source's azimuth and distance with a probability of 90 %, if the event is real; they come
    from the sound alone. Where they are unknown (None), their keys are left out.
    """

    class_: str = Field(alias="class")
    class_index: int = Field(ge=0, lt=10_000)
    source: int = Field(ge=0, lt=2**15)
    start: float
    end: float
    azimuth_deg: float | None
    distance_m: float | None
    onscreen: bool
    score: float
    azimuth_interval_deg: Interval | None = None
    distance_interval_m: Interval | None = None
    track: EventTrack
    visual: EventVisual | None = None

    @model_serializer(mode="wrap")
    def _known_intervals(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        unknown = {name for name in ("azimuth_interval_deg", "distance_interval_m") if getattr(self, name) is None}
        return {key: value for key, value in handler(self).items() if key not in unknown}


class Document(DocumentModel):
    """The complete document.

    `classes_left_out` holds the slugs of the classes whose events were left out on request; the key is missing where
    there are none.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    tool: Tool = Tool()
    source: Source
    model: Model
    vocabulary: VocabularyRecord = DEFAULT_VOCABULARY
    classes_left_out: list[str] = Field(default_factory=list, max_length=10_000)
    settings: PlainValues
    warnings: list[str]
    visual: Pictures | None = None
    frame_rate: Literal[10] = FRAME_RATE
    num_frames: int = Field(ge=0, le=MOST_FRAMES)
    events: list[Event]


def to_json(result: Detection) -> str:
    """Return the JSON document of a result, with one event per line."""
    return "".join(json_pieces(result))


def json_pieces(result: Detection) -> Iterator[str]:
    """Yield the document of `to_json` event by event: objects take ten times the memory of their text."""
    pictures = None if result.visual is None else result.visual.pictures
    document = Document(
        tool=Tool(commit=commit()),
        source=Source(
            file=file_text(result.path),
            duration=round(result.duration, 6),
            has_video=result.has_video,
            sha256=result.sha256,
        ),
        model=Model(name=result.model.name, sha256=result.model.sha256),
        vocabulary=result.vocabulary,
        classes_left_out=list(result.left_out),
        settings=result.settings,
        warnings=list(result.warnings),
        visual=pictures if pictures is not None and pictures.model_fields_set else None,
        num_frames=result.table.num_frames,
        events=[],
    )
    values = document.model_dump(mode="json", by_alias=True) | {"events": placeholder("events")}
    if not document.classes_left_out:
        del values["classes_left_out"]
    events = (event.model_dump(mode="json", by_alias=True) for event in event_documents(result))
    yield from document_pieces(values, {"events": events}, indent=2, item_lines=True)
    yield "\n"


def event_documents(result: Detection) -> Iterator[Event]:
    """Yield the events of a result as in its document, in order of time."""
    return (event_of(*found) for found in result.explained_events())


def read_document(path: str | Path) -> Document:
    """Read and check a document.

    Raises:
        LabelError: the file is missing, or not a valid document (the message names the key).
    """
    text = read_bytes(path, TABLE_BYTES, LabelError)
    try:
        document = Document.model_validate_json(text)
    except ValidationError as error:
        raise LabelError(f"{path}: not an earwitness events file: {first_problem(error)}") from None
    return document


def read_events(path: str | Path) -> EventTable:
    """Read the table of a document, sorted.

    Raises:
        LabelError: the file is missing, or not a valid document (the message names the key).
    """
    return table_of(read_document(path), path)


def table_of(document: Document, path: str | Path) -> EventTable:
    """The table of a document that was read from `path`.

    Raises:
        LabelError: the events contradict each other or the format.
    """
    events = document.events
    try:
        table = EventTable.from_mapping(
            {
                "frame": _joined([event.track.frames for event in events]),
                "class_index": _joined([[event.class_index] * len(event.track.frames) for event in events]),
                "source": _joined([[event.source] * len(event.track.frames) for event in events]),
                "azimuth": _joined([event.track.azimuth for event in events]),
                "distance": _joined([event.track.distance for event in events]),
                "onscreen": _joined([event.track.onscreen for event in events]),
                "score": _joined([event.track.score for event in events]),
            },
            document.num_frames,
            document.vocabulary.vocabulary(),
        )
        return separate_sources(table).sorted()
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from error


def _joined(columns: list[Any]) -> NDArray[np.float64]:
    """Concatenate one column of all events; null becomes NaN."""
    return np.array([math.nan if value is None else value for column in columns for value in column], dtype=np.float64)


def event_of(event: SoundEvent, visual: EventVisual | None = None) -> Event:
    """Convert an event and its visual explanation for the document."""
    table = event.table
    track = EventTrack(
        frames=table.frame.tolist(),
        azimuth=_exact(table.azimuth),
        distance=_exact(table.distance),
        onscreen=table.onscreen.tolist(),
        score=_exact(table.score),
    )
    return Event.model_validate(
        {
            "class": event.sound_class.slug,
            "class_index": event.sound_class.index,
            "source": event.source,
            "start": round(event.start, 1),
            "end": round(event.end, 1),
            "azimuth_deg": _rounded(event.azimuth, 1),
            "distance_m": _rounded(event.distance, 2),
            "onscreen": event.onscreen,
            "score": _rounded(event.score, 3),
            "azimuth_interval_deg": _outwards(event.azimuth_interval, 1),
            "distance_interval_m": _outwards(event.distance_interval, 2),
            "track": track,
            "visual": visual,
        }
    )


def _exact(values: ArrayLike) -> list[Any]:
    return [None if np.isnan(value) else float(str(value)) for value in np.asarray(values, dtype=np.float32)]


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)


def _outwards(interval: tuple[float, float] | None, digits: int) -> tuple[float, float] | None:
    """The interval with its ends rounded such that nothing of it is lost."""
    if interval is None:
        return None
    unit = 10**digits
    # Values that were read from a document are decimals already: they must not move.
    return math.floor(round(interval[0] * unit, 6)) / unit, math.ceil(round(interval[1] * unit, 6)) / unit
