"""The marks shown at a time: smooth positions, interpolated from ten labels per second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.core.source_numbers import link_sources
from earwitness.core.vocabulary import SoundClass

_SMOOTHING_FRAMES: Final = 2
_TEXT_FRAMES: Final = 3
"""Numbers change about three times a second, slowly enough to read."""
_MAX_GLIDE_DEG: Final = 30.0
_LANE_HOLD_FRAMES: Final = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """One source at one time.

    Attributes:
        sound_class: its class.
        source: number that distinguishes sources of one class.
        azimuth: degrees, positive to the left; NaN without direction.
        distance: metres; NaN where unknown.
        text_azimuth, text_distance: the same values for labels, updated less often.
        onscreen: whether the source is in the picture.
        score: confidence, 0..1.
        lane: constant number of the source, unique among simultaneous sources; counted separately for sources in view,
            to the left and to the right of the picture.
        cause: number of the visible object that makes the sound; None if unknown.
    """

    sound_class: SoundClass
    source: int
    azimuth: float
    distance: float
    text_azimuth: float
    text_distance: float
    onscreen: bool
    score: float
    lane: int
    cause: int | None = None


class Marks:
    """The marks of a table at any time."""

    def __init__(self, table: EventTable, edge_deg: float = 50.0, causes: NDArray[np.int64] | None = None) -> None:
        """Prepare the marks of `table`.

        Args:
            table: the events.
            edge_deg: directions beyond it are outside the picture.
            causes: (n,) for each row of the table, the number of the visible object that makes the sound, or -1.
        """
        self._vocabulary = table.vocabulary
        given, table = table, separated(table)
        order = np.lexsort((table.frame, table.source, table.class_index))
        self._cause = causes[order] if causes is not None and table is given else np.full(len(table), -1)
        table = table.select(order)
        self._table = table
        self._azimuth, self._distance = (np.array(column) for column in (table.azimuth, table.distance))
        self._first = np.zeros(len(table), np.int64)
        self._last = np.zeros(len(table), np.int64)
        runs = list(_runs(table))
        for start, stop in runs:
            self._azimuth[start:stop] = _smoothed(table.azimuth[start:stop])
            self._distance[start:stop] = _smoothed(table.distance[start:stop])
            self._first[start:stop], self._last[start:stop] = start, stop - 1
        self._lane = np.zeros(len(table), np.int64)
        sides = [_side(table.azimuth[start:stop], edge_deg) for start, stop in runs]
        for side in (-1, 0, 1):
            _assign_lanes(self._lane, table, [run for run, its in zip(runs, sides, strict=True) if its == side])
        self._by_frame = np.argsort(table.frame, kind="stable")
        self._frames = table.frame[self._by_frame]

    def at(self, time: float) -> list[Mark]:
        """Sources that are active at `time` (seconds), in order of lanes."""
        frame = int(np.floor(time * FRAME_RATE + 1e-6))
        begin, end = np.searchsorted(self._frames, [frame, frame + 1])
        phase = float(np.clip(time * FRAME_RATE - frame - 0.5, -0.5, 0.5))
        return sorted((self._mark(int(row), phase) for row in self._by_frame[begin:end]), key=lambda mark: mark.lane)

    def _mark(self, row: int, phase: float) -> Mark:
        neighbour = min(max(row + (1 if phase > 0 else -1), int(self._first[row])), int(self._last[row]))
        labelled = int(self._first[row]) + (row - int(self._first[row])) // _TEXT_FRAMES * _TEXT_FRAMES
        table = self._table
        return Mark(
            sound_class=self._vocabulary[int(table.class_index[row])],
            source=int(table.source[row]),
            azimuth=_glide(float(self._azimuth[row]), float(self._azimuth[neighbour]), abs(phase), _MAX_GLIDE_DEG),
            distance=_glide(float(self._distance[row]), float(self._distance[neighbour]), abs(phase), np.inf),
            text_azimuth=float(self._azimuth[labelled]),
            text_distance=float(self._distance[labelled]),
            onscreen=bool(table.onscreen[row]),
            score=float(table.score[row]),
            lane=int(self._lane[row]),
            cause=None if self._cause[row] < 0 else int(self._cause[row]),
        )


def separated(table: EventTable) -> EventTable:
    """The table with distinct source numbers for all rows of a frame and class; some files have none."""
    key = np.stack([table.frame, table.class_index, table.source])
    return table if np.unique(key, axis=1).shape[1] == len(table) else link_sources(table)


def _runs(table: EventTable) -> Iterator[tuple[int, int]]:
    """(start, stop) rows of uninterrupted sounds in a table sorted by class, source and frame."""
    if not len(table):
        return iter(())
    breaks = (np.diff(table.class_index) != 0) | (np.diff(table.source) != 0) | (np.diff(table.frame) > 1)
    return pairwise([0, *(np.flatnonzero(breaks) + 1).tolist(), len(table)])


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Moving mean with a shorter window at the ends; NaN stays NaN and does not spread."""
    reach = min(_SMOOTHING_FRAMES, (values.size - 1) // 2)
    if reach == 0:
        return values
    known = np.isfinite(values)
    kernel = np.ones(2 * reach + 1)
    sums = np.convolve(np.where(known, values, 0.0), kernel, "same")
    counts = np.convolve(known.astype(np.float64), kernel, "same")
    return np.where(known, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _glide(here: float, there: float, weight: float, most: float) -> float:
    return here + weight * (there - here) if abs(there - here) <= most else here


def _side(azimuth: NDArray[np.float32], edge_deg: float) -> int:
    """Median side of a run: 1 left of the picture, -1 right of it, 0 in view or without direction."""
    middle = float(np.median(azimuth))
    return int(middle > edge_deg) - int(middle < -edge_deg)


def _assign_lanes(lane_of: NDArray[np.int64], table: EventTable, runs: list[tuple[int, int]]) -> None:
    """Assign the lowest lane that is free to each run; a source that pauses briefly keeps its lane."""
    held: list[tuple[int, tuple[int, int]]] = []
    for start, stop in sorted(runs, key=lambda run: (int(table.frame[run[0]]), run[0])):
        begins, key = int(table.frame[start]), (int(table.class_index[start]), int(table.source[start]))
        kept = [lane for lane, (until, owner) in enumerate(held) if owner == key and until >= begins]
        free = kept or [lane for lane, (until, _) in enumerate(held) if until < begins]
        lane = free[0] if free else len(held)
        held[lane : lane + 1] = [(int(table.frame[stop - 1]) + _LANE_HOLD_FRAMES, key)]
        lane_of[start:stop] = lane
