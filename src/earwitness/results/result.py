"""What the writers ask of a result, whether it was just found or read back from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.geometry import View


class FoundBy(Protocol):
    """Which model it was."""

    @property
    def name(self) -> str:
        """From its card."""

    @property
    def sha256(self) -> str:
        """Of its file."""


class Result(Protocol):
    """The events of one file, and what is known about it: a `Detection`, or a `Saved` one."""

    @property
    def table(self) -> EventTable:
        """What sounds in each 100-ms frame."""

    @property
    def events(self) -> list[SoundEvent]:
        """The sounds from start to end, in order of time."""

    @property
    def model(self) -> FoundBy:
        """What found them."""

    @property
    def duration(self) -> float:
        """Of the sound, seconds."""

    @property
    def path(self) -> Path | None:
        """The file that was listened to; None where there is none."""

    @property
    def sha256(self) -> str | None:
        """Of that file's contents; None where it is not known."""

    @property
    def has_video(self) -> bool:
        """Whether there are moving pictures."""

    @property
    def view(self) -> View:
        """What the pictures show."""

    @property
    def warnings(self) -> list[str]:
        """What speaks against trusting the result."""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that was chosen."""


def view_of(result: Result, fov: float | None) -> View:
    """What the pictures of a result show, if their camera has another field of view (degrees) than was taken for it."""
    return result.view if fov is None else replace(result.view, fov=fov)
