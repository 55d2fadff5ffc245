"""What `detect` found in one file, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.geometry import DEFAULT_FOV_DEG, View
from earwitness.media.containers.probe import MediaInfo

if TYPE_CHECKING:
    from earwitness.fusion.visual_analysis import VisualResult


TURNED_OFF: Final = "turned off"
"""Why nobody looked, where nobody was to."""


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
    """The result of one file.

    Attributes:
        table: what sounds in each 100-ms frame.
        model: what found it.
        duration: of the sound, seconds.
        media: the file; None for an array.
        sha256: of the file's contents; None for an array.
        warnings: what speaks against trusting the result, in plain sentences.
        settings: everything that was chosen, as plain values.
        elapsed: seconds that detection took.
        sight: what looking at its pictures did; None where nobody looked.
    """

    table: EventTable
    model: ModelId
    duration: float
    media: MediaInfo | None = None
    sha256: str | None = None
    warnings: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    elapsed: float = 0.0
    sight: VisualResult | None = None

    @property
    def events(self) -> list[SoundEvent]:
        """The sounds from start to end, in order of time."""
        return self.table.events()

    @property
    def path(self) -> Path | None:
        """The file, as it was named; None for an array."""
        return None if self.media is None else self.media.path

    @property
    def has_video(self) -> bool:
        """Whether there are moving pictures; without them nothing is on screen."""
        return has_moving_pictures(self.media)

    @property
    def vision_off_reason(self) -> str:
        """Why nobody looked at its moving pictures; empty where somebody did, or was not to."""
        why = str(self.settings.get("vision_off", ""))
        return "" if why == TURNED_OFF else why

    @property
    def view(self) -> View:
        """What its pictures show: the field of view that was given, between the black bars that were seen."""
        return View(self.settings.get("fov", DEFAULT_FOV_DEG), self.sight.share if self.sight else 1.0)


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
