"""Progress of the detection on one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.media.sound.audio import AudioReader

Float32Array = NDArray[np.float32]

SOUND_SHARE: Final = 0.2
"""Share of the processing time that sound takes, where pictures are analysed too."""


class Progress(Protocol):
    """Receives the progress of a file; sound and pictures each have their share of the seconds."""

    def __call__(self, done: float, total: float | None) -> None:
        """Report progress.

        Args:
            done: seconds.
            total: seconds; None where that is not known.
        """


def part_of(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """Report a step that takes a file from `begin` to `end`, shares (0..1) of all processing."""
    if progress is None or (begin, end) == (0, 1):
        return progress

    def report(done: float, total: float | None) -> None:
        progress(done if total is None else begin * total + (end - begin) * min(done, total), total)

    return report


def seconds_of(progress: Progress | None, total: float | None) -> Callable[[float], None] | None:
    """Report seconds of a file of known length."""
    return None if progress is None else lambda seconds: progress(seconds, total)


def reporting(reader: AudioReader, total: float | None, progress: Progress | None) -> Iterator[Float32Array]:
    """The blocks of a reader; progress is reported after each."""
    for block in reader:
        yield block
        if progress is not None:
            progress(reader.duration, total)
