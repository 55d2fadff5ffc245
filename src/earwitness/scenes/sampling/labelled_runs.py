"""Runs of sources in labels: how long they sound, pause and move, how many there are at once; to fit and to compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND: Final = 10
LONGEST_PAUSE_FRAMES: Final = 50
"""A source that was silent for longer counts as one that begins anew."""
MOVES_DEG: Final = 5.0
"""A run whose directions lie farther apart than this moves."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A source sounding without a pause.

    Attributes:
        recording, class_index, source: which.
        first: label frame.
        azimuth, elevation: (frames,) degrees; azimuth unfolded.
    """

    recording: str
    class_index: int
    source: int
    first: int
    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.first + len(self.azimuth)

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return len(self.azimuth) / FRAMES_PER_SECOND

    @property
    def turn_deg(self) -> float:
        """Angle between its first and its farthest direction."""
        azimuth, elevation = np.radians(self.azimuth), np.radians(self.elevation)
        ways = np.stack([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
        return float(np.degrees(np.arccos(np.clip(ways[:, 0] @ ways, -1, 1).min())))


def runs_of(rows: Iterable[tuple[str, int, int, int, float, float]]) -> list[Run]:
    """Runs of label rows (recording, frame, class, source, azimuth, elevation), in any order."""
    by_source: dict[tuple[str, int, int], dict[int, tuple[float, float]]] = defaultdict(dict)
    for recording, frame, class_index, source, azimuth, elevation in rows:
        # Some sources are labelled twice in a frame: the first place counts.
        by_source[recording, class_index, source].setdefault(frame, (azimuth, elevation))
    runs = []
    for key in sorted(by_source):
        values = np.array([(frame, *place) for frame, place in sorted(by_source[key].items())], dtype=np.float64)
        for part in np.split(values, np.flatnonzero(np.diff(values[:, 0]) > 1) + 1):
            runs.append(Run(*key, int(part[0, 0]), part[:, 1], part[:, 2]))
    return runs


def pauses_of(runs: Iterable[Run]) -> dict[int, list[float]]:
    """By class, seconds from the end of each run to the next of the same source; infinite after the last one."""
    by_source: dict[tuple[str, int, int], list[Run]] = defaultdict(list)
    for run in runs:
        by_source[run.recording, run.class_index, run.source].append(run)
    pauses: dict[int, list[float]] = defaultdict(list)
    for (_, class_index, _), own in by_source.items():
        own.sort(key=lambda run: run.first)
        between = [(later.first - run.end) / FRAMES_PER_SECOND for run, later in pairwise(own)]
        pauses[class_index].extend([*between, float("inf")])
    return dict(pauses)


def windows(runs: Iterable[Run], frames: int, hop: int) -> Iterator[list[tuple[int, int]]]:
    """Of windows over each recording: the sources (class, number) that sound in it."""
    by_recording: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_recording[run.recording].append(run)
    for recording in sorted(by_recording):
        own = by_recording[recording]
        last = max(run.end for run in own)
        for start in range(0, max(1, last - frames + 1), hop):
            inside = {(run.class_index, run.source) for run in own if run.first < start + frames and run.end > start}
            yield sorted(inside)


def at_once(runs: Iterable[Run]) -> tuple[NDArray[np.float64], float]:
    """Of the frames with an event, the shares (4,) with 1, 2, 3 and more; of class-frames, that with two of a class."""
    counts: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for run in runs:
        for frame in range(run.first, run.end):
            counts[run.recording, frame][run.class_index] += 1
    totals = np.array([min(sum(of_class.values()), 4) for of_class in counts.values()])
    several = [number > 1 for of_class in counts.values() for number in of_class.values()]
    return np.bincount(totals, minlength=5)[1:] / max(len(totals), 1), float(np.mean(several)) if several else 0.0
