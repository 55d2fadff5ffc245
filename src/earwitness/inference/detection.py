"""What `detect` found in one file, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earwitness.events import EventTable, SoundEvent


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
        has_video: whether the file has a picture; without one nothing is on screen.
        path: the file, as it was named; None for an array.
        warnings: what speaks against trusting the result, in plain sentences.
        settings: everything that was chosen, as plain values.
        elapsed: seconds that detection took.
    """

    table: EventTable
    model: ModelId
    duration: float
    has_video: bool = False
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    elapsed: float = 0.0

    @property
    def events(self) -> list[SoundEvent]:
        """The sounds from start to end, in order of time."""
        return self.table.events()
