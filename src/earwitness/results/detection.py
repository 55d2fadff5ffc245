"""The result of detection on one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from earwitness.core.classes.vocabulary_record import VocabularyRecord
from earwitness.core.errors import UsageError
from earwitness.core.events import FRAME_SECONDS, EventTable, SoundEvent
from earwitness.core.geometry import DEFAULT_FOV_DEG, View
from earwitness.media.containers.probe import MediaInfo
from earwitness.media.timeline import Stretch, covered_frames
from earwitness.results.detected_event import DetectedEvent
from earwitness.results.visual import EventKey, EventVisual, Visual

VIEWS: Final[Mapping[str, str]] = {
    "text": "earwitness.export.views:result_text",
    "html": "earwitness.export.views:result_html",
    "pandas": "earwitness.export.tables:to_data_frame",
    "plot": "earwitness.render.timeline_picture:result_plot",
    "save": "earwitness.batch.saving:save",
    "select": "earwitness.results.selection:select",
}
"""Module and function of each; every function takes a `Detection` first."""


def result_view(name: str) -> Callable[..., Any]:
    """Import and return the function of a view."""
    module, _, function = VIEWS[name].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


TURNED_OFF: Final = "turned off"
"""Value of `vision_off` in the settings of a result if the user turned vision off."""


@dataclass(frozen=True, slots=True)
class ModelId:
    """Identity of a model.

    Attributes:
        name: name on its card.
        sha256: SHA-256 of its file.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class EventIntervals:
    """Prediction intervals of an event; see `SoundEvent`.

    Attributes:
        azimuth: lower and upper end, degrees; None if unknown.
        distance: lower and upper end, metres; None if unknown.
    """

    azimuth: tuple[float, float] | None
    distance: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Detection:
    """The result of one file, from a detector or from a saved document.

    It prints as a short table. `result[2:5]` is the part from 2 to 5 s, `result["knock"]` that of a class or group of
    classes; `select` selects by direction, screen and confidence too.

    Attributes:
        table: the events, one row per source and 100 ms frame.
        model: the model.
        duration: duration of the sound, seconds.
        path: the media file as given by the user; None for an array, or if unknown.
        has_video: whether the file has moving pictures; without them, no event is on screen.
        sha256: SHA-256 of the media file; None if unknown.
        warnings: reasons not to trust the result, one sentence each.
        settings: all settings of the run, as plain values.
        elapsed: duration of the detection, seconds; 0 for a saved result.
        visual: the visual analysis; None where there was none.
        media: location of the media file, if it is not `path`.
        trusted: whether `path` may be opened; False for saved results, which may name any file of the user.
        left_out: slugs of the classes that were left out on request (`ClassChoice`), so that the absence of their
            events says nothing.
        intervals: prediction intervals of the events, from the sound alone; empty if the model gives none.
    """

    table: EventTable
    model: ModelId
    duration: float
    path: Path | None = None
    has_video: bool = False
    sha256: str | None = None
    warnings: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    elapsed: float = 0.0
    visual: Visual | None = None
    media: Path | None = None
    trusted: bool = True
    left_out: tuple[str, ...] = ()
    intervals: Mapping[EventKey, EventIntervals] = field(default_factory=dict)

    @property
    def vocabulary(self) -> VocabularyRecord:
        """The classes that `class_index` refers to."""
        return VocabularyRecord.of(self.table.vocabulary)

    @property
    def events(self) -> list[DetectedEvent]:
        """The sound events in order of time, as plain values."""
        return [DetectedEvent.of(event) for event in self.iter_events()]

    def __len__(self) -> int:
        """Number of events."""
        return len(self.table.runs()[1])

    def __bool__(self) -> bool:
        """True: a result without events is a result."""
        return True

    def __iter__(self) -> Iterator[DetectedEvent]:
        """The events in order of time."""
        return (DetectedEvent.of(event) for event in self.iter_events())

    def __repr__(self) -> str:
        """The first events as a table."""
        return str(result_view("text")(self))

    def _repr_html_(self) -> str:
        """The first events as a table for notebooks."""
        return str(result_view("html")(self))

    def __getitem__(self, key: slice | str | tuple[str, ...]) -> Detection:
        """The part between two times in seconds (`result[2:5]`), or of some classes (`result["knock", "bell"]`).

        Raises:
            UsageError: another kind of key, or an unknown class.
        """
        if isinstance(key, slice) and key.step is None:
            return self.select(time=(key.start, key.stop))
        names = (key,) if isinstance(key, str) else key
        if isinstance(names, tuple) and names and all(isinstance(name, str) for name in names):
            return self.select(classes=names)
        raise UsageError(
            "a result is indexed by seconds, result[2:5], or by classes, result['knock']; see also .events"
        )

    def select(self, **conditions: Any) -> Detection:
        """The result with some of the events.

        Args:
            conditions: `time=(from, to)` in seconds, `classes`, `exclude`, `azimuth=(from, to)` in degrees, `onscreen`,
                and `score`, the lowest confidence; see `earwitness.results.selection.select`.

        Raises:
            UsageError: an unknown class, or an impossible range.
        """
        found: Detection = result_view("select")(self, **conditions)
        return found

    def to_pandas(self, *, tracks: bool = False) -> Any:
        """A pandas data frame with one row for each event or, with `tracks`, for each source and 100 ms.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return result_view("pandas")(self, tracks=tracks)

    def plot(self, path: str | Path | None = None) -> Any:
        """Plot directions and distances over time; returns a matplotlib figure, which notebooks show.

        Args:
            path: file to write, too (.png, .svg, .pdf).

        Raises:
            EncodingError: the file cannot be written.
        """
        return result_view("plot")(self, path)

    def save(self, path: str | Path, format: str | None = None, **options: Any) -> Path:
        """Write the result; the suffix determines the format: .json, .csv, .events.csv, .srt, .html, .png, .mp4, ...

        Args:
            path: file to write.
            format: name of a format, whatever the suffix.
            options: options of the format, such as `language="de"`; see `earwitness.batch.formats.Options`.

        Raises:
            UsageError: no format has this suffix, or there is no such option.
            EncodingError: the file cannot be written.
        """
        written: Path = result_view("save")(self, path, format, **options)
        return written

    def iter_events(self) -> Iterator[SoundEvent]:
        """Like `events`, but one at a time, to save memory on long recordings."""
        for event in self.table.iter_events():
            known = self.intervals.get(EventKey.of(event))
            yield (
                event
                if known is None
                else replace(event, azimuth_interval=known.azimuth, distance_interval=known.distance)
            )

    @property
    def media_file(self) -> Path | None:
        """The media file, if it exists and may be opened."""
        file = self.media or (self.path if self.trusted else None)
        return file if file is not None and file.is_file() else None

    @property
    def vision_off_reason(self) -> str:
        """Why the pictures were not analysed; empty if they were, or if the user turned vision off."""
        why = str(self.settings.get("vision_off", ""))
        return "" if why == TURNED_OFF else why

    @property
    def view(self) -> View:
        """The view of the pictures: the field of view of the camera, between black bars."""
        fov = self.settings.get("fov")
        if not isinstance(fov, int | float) or not 1 <= fov <= 170:
            fov = DEFAULT_FOV_DEG
        return View(float(fov), self.visual.pictures.share if self.visual else 1.0)

    def view_with(self, fov: float | None) -> View:
        """The view for another horizontal field of view, degrees; None: that of the result."""
        return self.view if fov is None else replace(self.view, fov=fov)

    def explained_events(self) -> Iterator[tuple[SoundEvent, EventVisual | None]]:
        """Each event with its visual explanation; None if the pictures were not analysed."""
        for event in self.iter_events():
            yield event, None if self.visual is None else self.visual.of(event)


def file_text(path: Path | None) -> str | None:
    """A file name for documents; bytes that are not valid text become "?"."""
    return None if path is None else path.as_posix().encode(errors="replace").decode()


def has_moving_pictures(media: MediaInfo | None) -> bool:
    """Whether a file has video that is not a still picture."""
    return media is not None and media.video is not None and not media.video.is_still


def off_screen(table: EventTable) -> EventTable:
    """The events, with all of them off screen."""
    return table.with_columns(onscreen=False)


def without_direction(table: EventTable) -> EventTable:
    """Events of mono sound: the row with the best score per class and frame, without direction (NaN), off screen."""
    best_first = np.lexsort((-table.score, table.class_index, table.frame))
    table = table.select(best_first)
    again = (np.diff(table.frame) == 0) & (np.diff(table.class_index) == 0)
    table = table.select(np.concatenate([[True], ~again])[: len(table)])
    return table.with_columns(azimuth=np.nan, source=0, onscreen=False)


def without_direction_in(table: EventTable, stretches: Iterable[Stretch]) -> EventTable:
    """The events, with `without_direction` applied to the rows in the given stretches."""
    rows = covered_frames(stretches, table.num_frames, FRAME_SECONDS)[table.frame]
    if not rows.any():
        return table
    parts = [table.select(~rows), without_direction(table.select(rows))]
    return EventTable.concatenate(parts, num_frames=table.num_frames)
