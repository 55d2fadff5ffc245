"""The events as JSON, everything included: `read_events` gives back exactly the table that was written.

Numbers are the shortest decimals that become the same float32 again; an unknown direction or distance is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, ValidationError, model_validator

from earwitness.core.errors import LabelError
from earwitness.core.events import FRAME_RATE, FRAME_SECONDS, MOST_FRAMES, EventTable, SoundEvent
from earwitness.core.files.small_files import TABLE_BYTES, read_bytes
from earwitness.core.schema import DocumentModel, PlainValues, first_problem
from earwitness.core.source_numbers import separate_sources
from earwitness.core.version import __version__, commit
from earwitness.core.vocabulary import CLASSES
from earwitness.results.detection import Detection, file_text
from earwitness.results.json_stream import document_pieces, placeholder
from earwitness.results.visual import EventVisual, Pictures

SCHEMA_VERSION: Final = 1
"""Raised when a reader of the older version would misread the file; new keys alone do not raise it."""


Frame = Annotated[int, Field(ge=0, lt=MOST_FRAMES)]


class Tool(DocumentModel):
    """What wrote the file."""

    name: str = "earwitness"
    version: str = __version__
    commit: str = "unknown"


class Source(DocumentModel):
    """The file that was listened to; duration in seconds."""

    file: str | None
    duration: float = Field(ge=0, le=MOST_FRAMES * FRAME_SECONDS)
    has_video: bool
    sha256: str | None = None


class Model(DocumentModel):
    """What found the events."""

    name: str
    sha256: str


class EventTrack(DocumentModel):
    """An event frame by frame: columns of one length; degrees positive to the left, metres."""

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


class Event(DocumentModel):
    """One sound: seconds, medians over its track, mean score."""

    class_: str = Field(alias="class")
    class_index: int = Field(ge=0, lt=10_000)
    source: int = Field(ge=0, lt=2**15)
    start: float
    end: float
    azimuth_deg: float | None
    distance_m: float | None
    onscreen: bool
    score: float
    track: EventTrack
    visual: EventVisual | None = None


class Document(DocumentModel):
    """The whole file."""

    schema_version: Literal[1] = SCHEMA_VERSION
    tool: Tool = Tool()
    source: Source
    model: Model
    settings: PlainValues
    warnings: list[str]
    visual: Pictures | None = None
    frame_rate: Literal[10] = FRAME_RATE
    num_frames: int = Field(ge=0, le=MOST_FRAMES)
    events: list[Event]


def to_json(result: Detection) -> str:
    """Return the JSON document of a result, one event a line."""
    return "".join(json_pieces(result))


def json_pieces(result: Detection) -> Iterator[str]:
    """Yield the document of `to_json` event by event: as objects, those of three hours take ten times their text."""
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
        settings=result.settings,
        warnings=list(result.warnings),
        visual=pictures if pictures is not None and pictures.model_fields_set else None,
        num_frames=result.table.num_frames,
        events=[],
    )
    values = document.model_dump(mode="json", by_alias=True) | {"events": placeholder("events")}
    events = (event_of(*found).model_dump(mode="json", by_alias=True) for found in result.explained_events())
    yield from document_pieces(values, {"events": events}, indent=2, item_lines=True)
    yield "\n"


def read_document(path: str | Path) -> Document:
    """Read and check a document.

    Raises:
        LabelError: no such file, or not such a document (says which key).
    """
    text = read_bytes(path, TABLE_BYTES, LabelError)
    try:
        return Document.model_validate_json(text)
    except ValidationError as error:
        raise LabelError(f"{path}: not an earwitness events file: {first_problem(error)}") from None


def read_events(path: str | Path) -> EventTable:
    """Read the table of a document: exactly the one that was written, sorted.

    Raises:
        LabelError: no such file, or not such a document (says which key).
    """
    return table_of(read_document(path), path)


def table_of(document: Document, path: str | Path) -> EventTable:
    """The table of a document that was read from `path`.

    Raises:
        LabelError: the events contradict each other or the format.
    """
    events = document.events
    try:
        table = EventTable.from_columns(
            frame=_joined([event.track.frames for event in events]),
            class_index=_joined([[event.class_index] * len(event.track.frames) for event in events]),
            source=_joined([[event.source] * len(event.track.frames) for event in events]),
            azimuth=_joined([event.track.azimuth for event in events]),
            distance=_joined([event.track.distance for event in events]),
            onscreen=_joined([event.track.onscreen for event in events]),
            score=_joined([event.track.score for event in events]),
            num_frames=document.num_frames,
        )
        return separate_sources(table).sorted()
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from error


def _joined(columns: list[Any]) -> NDArray[np.float64]:
    """One column from those of all events; null becomes NaN."""
    return np.array([math.nan if value is None else value for column in columns for value in column], dtype=np.float64)


def event_of(event: SoundEvent, visual: EventVisual | None = None) -> Event:
    """An event as documents keep it, with what looking did to it."""
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
            "class": CLASSES[event.sound_class.index].slug,
            "class_index": event.sound_class.index,
            "source": event.source,
            "start": round(event.start, 1),
            "end": round(event.end, 1),
            "azimuth_deg": _rounded(event.azimuth, 1),
            "distance_m": _rounded(event.distance, 2),
            "onscreen": event.onscreen,
            "score": _rounded(event.score, 3),
            "track": track,
            "visual": visual,
        }
    )


def _exact(values: ArrayLike) -> list[Any]:
    return [None if np.isnan(value) else float(str(value)) for value in np.asarray(values, dtype=np.float32)]


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
