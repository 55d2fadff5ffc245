"""What `detect` found in one file, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from earwitness.core.events import FRAME_SECONDS, EventTable, SoundEvent
from earwitness.core.geometry import DEFAULT_FOV_DEG, View
from earwitness.media.containers.probe import MediaInfo
from earwitness.media.sound.stretches import Stretch, covered_frames
from earwitness.results.visual import EventVisual, Visual

TURNED_OFF: Final = "turned off"
"""The reason for which pictures are not looked at, where the user asked for that."""


@dataclass(frozen=True, slots=True)
class ModelId:
    """Which model it was.

    Attributes:
        name: from its card.
        sha256: of its file.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """The result of one file, just made or read from a saved one.

    Attributes:
        table: the events, a row for each source and 100-ms frame.
        model: which model made it.
        duration: of the sound, seconds.
        path: the media file as it was named; None for an array, or where it is not known.
        has_video: whether the file has moving pictures; without them nothing is on screen.
        sha256: of the media file's contents; None where that is not known.
        warnings: reasons not to trust the result, one sentence each.
        settings: all settings of the run, as plain values.
        elapsed: seconds that detection took; 0 for a saved result.
        visual: what looking at the pictures gave; None where nothing looked at them.
        media: where the media file lies, if not at `path`.
        trusted: whether `path` may be opened: a saved result may come from somebody who wants to see a file of yours.
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

    @property
    def events(self) -> list[SoundEvent]:
        """The sounds from start to end, in order of time."""
        return self.table.events()

    @property
    def media_file(self) -> Path | None:
        """The media file, if it is there and may be opened."""
        file = self.media or (self.path if self.trusted else None)
        return file if file is not None and file.is_file() else None

    @property
    def vision_off_reason(self) -> str:
        """Why the moving pictures were not looked at; empty where they were, or where vision was turned off."""
        why = str(self.settings.get("vision_off", ""))
        return "" if why == TURNED_OFF else why

    @property
    def view(self) -> View:
        """What the pictures show: the camera's field of view, between black bars."""
        fov = self.settings.get("fov")
        if not isinstance(fov, int | float) or not 1 <= fov <= 170:
            fov = DEFAULT_FOV_DEG
        return View(float(fov), self.visual.pictures.share if self.visual else 1.0)

    def view_with(self, fov: float | None) -> View:
        """What the pictures show if the camera has another field of view, degrees; None: that of the result."""
        return self.view if fov is None else replace(self.view, fov=fov)

    def explained_events(self) -> Iterator[tuple[SoundEvent, EventVisual | None]]:
        """Each event, and what the fusion did to it; None where nothing looked at the pictures."""
        for event in self.table.iter_events():
            yield event, None if self.visual is None else self.visual.of(event)


def file_text(path: Path | None) -> str | None:
    """A file's name as documents have it: names of files may hold bytes that are no text, and become "?" there."""
    return None if path is None else path.as_posix().encode(errors="replace").decode()


def has_moving_pictures(media: MediaInfo | None) -> bool:
    """Whether a file shows what its microphones heard; a still picture does not."""
    return media is not None and media.video is not None and not media.video.is_still


def off_screen(table: EventTable) -> EventTable:
    """The same events, none of them on screen."""
    return table.with_columns(onscreen=False)


def without_direction(table: EventTable) -> EventTable:
    """What mono can say: a row a class and frame, the surest, without direction (NaN) and never on screen."""
    surest_first = np.lexsort((-table.score, table.class_index, table.frame))
    table = table.select(surest_first)
    again = (np.diff(table.frame) == 0) & (np.diff(table.class_index) == 0)
    table = table.select(np.concatenate([[True], ~again])[: len(table)])
    return table.with_columns(azimuth=np.nan, source=0, onscreen=False)


def without_direction_in(table: EventTable, stretches: Iterable[Stretch]) -> EventTable:
    """The same events; those rows that lie in one of the stretches as `without_direction` has them."""
    rows = covered_frames(stretches, table.num_frames, FRAME_SECONDS)[table.frame]
    if not rows.any():
        return table
    parts = [table.select(~rows), without_direction(table.select(rows))]
    return EventTable.concatenate(parts, num_frames=table.num_frames)
