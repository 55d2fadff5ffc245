"""How far a file is, told to whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Told how far a file is: seconds done, and seconds in all where they are known.

    Of a file that is heard and looked at, both have their share of the seconds.
    """

    def __call__(self, done: float, total: float | None) -> None:
        """Take note."""


def part_of(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """`progress` for what takes a file from `begin` to `end`, 0..1 of all that is to do."""
    if progress is None or (begin, end) == (0, 1):
        return progress

    def report(done: float, total: float | None) -> None:
        progress(done if total is None else begin * total + (end - begin) * min(done, total), total)

    return report


def seconds_of(progress: Progress | None, total: float | None) -> Callable[[float], None] | None:
    """`progress` by the seconds of a file alone."""
    return None if progress is None else lambda seconds: progress(seconds, total)
