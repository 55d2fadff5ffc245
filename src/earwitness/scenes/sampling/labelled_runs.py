"""Statistics of labels: durations, pauses, motion and polyphony of sources, to fit presets and to compare scenes."""

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
"""After a longer pause, a source counts as a new one."""
MOVES_DEG: Final = 5.0
"""A run counts as moving if its directions differ by more than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """An uninterrupted activity of a source.

    Attributes:
        recording, class_index, source: identify the source.
        first: first label frame.
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
        """The frame after the last one."""
        return self.first + len(self.azimuth)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.azimuth) / FRAMES_PER_SECOND

    @property
    def turn_deg(self) -> float:
        """Angle between the first direction and the one farthest from it, in degrees."""
        azimuth, elevation = np.radians(self.azimuth), np.radians(self.elevation)
        ways = np.stack([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
        return float(np.degrees(np.arccos(np.clip(ways[:, 0] @ ways, -1, 1).min())))


def runs_of(rows: Iterable[tuple[str, int, int, int, float, float]]) -> list[Run]:
    """Runs of label rows (recording, frame, class, source, azimuth, elevation), in any order."""
    by_source: dict[tuple[str, int, int], dict[int, tuple[float, float]]] = defaultdict(dict)
    for recording, frame, class_index, source, azimuth, elevation in rows:
        # Some sources are labelled twice in a frame: the first label counts.
        by_source[recording, class_index, source].setdefault(frame, (azimuth, elevation))
    runs = []
    for key in sorted(by_source):
        values = np.array([(frame, *place) for frame, place in sorted(by_source[key].items())], dtype=np.float64)
        for part in np.split(values, np.flatnonzero(np.diff(values[:, 0]) > 1) + 1):
            runs.append(Run(*key, int(part[0, 0]), part[:, 1], part[:, 2]))
    return runs


def pauses_of(runs: Iterable[Run]) -> dict[int, list[float]]:
    """Pauses in seconds between runs of the same source, by class; infinite after the last run."""
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
    """The active sources (class, number) in each window over each recording."""
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
    """Shares (4,) of active frames with 1, 2, 3 and more events, and share of class frames with several sources."""
    counts: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for run in runs:
        for frame in range(run.first, run.end):
            counts[run.recording, frame][run.class_index] += 1
    totals = np.array([min(sum(of_class.values()), 4) for of_class in counts.values()])
    several = [number > 1 for of_class in counts.values() for number in of_class.values()]
    return np.bincount(totals, minlength=5)[1:] / max(len(totals), 1), float(np.mean(several)) if several else 0.0
