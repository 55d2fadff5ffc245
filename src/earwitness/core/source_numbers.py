"""Source numbers: separating sources that share a number in a file, and linking sources over time.

Many programs, such as the DCASE baselines, write source number 0 for all sources. Two rows of one frame and class are
nevertheless two sources; treated as one, they would become a single event half-way between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, filterfalse
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable

MOST_AT_ONCE: Final = 100
"""Maximum rows of one frame, class and source; more indicate a damaged file and would take hours to process."""
MAX_JUMP_DEG: Final = 60.0
"""Largest change of azimuth between frames; beyond it, the row belongs to a new source."""


def separate_sources(table: EventTable) -> EventTable:
    """Make (frame, class, source) unique: rows that share all three become separate sources.

    Rows of one class and number are linked over time by the smallest change of azimuth. The first source keeps the
    number, the others get numbers that the class does not use. All other rows keep their numbers.

    Returns:
        The table itself if its rows are unique already, else the same rows, sorted, with a new `source` column.

    Raises:
        LabelError: more than `MOST_AT_ONCE` rows of one frame, class and number.
    """
    cell = table.frame.astype(np.int64) * len(table.vocabulary) + table.class_index
    _, first, counts = np.unique((cell << 16) + table.source, return_index=True, return_counts=True)
    if not (counts > 1).any():
        return table
    if counts.max() > MOST_AT_ONCE:
        row = first[counts.argmax()]
        raise LabelError(
            f"frame {table.frame[row]} has {counts.max()} rows of class {table.class_index[row]} and source "
            f"{table.source[row]}; at most {MOST_AT_ONCE} are allowed"
        )
    shared = {(int(table.class_index[row]), int(table.source[row])) for row in first[counts > 1]}
    table = table.sorted()
    numbers = table.source.astype(np.int64)
    free: dict[int, Iterator[int]] = {}
    for class_index, source in sorted(shared):
        own = table.class_index == class_index
        if class_index not in free:
            used = set(table.source[own].tolist())
            free[class_index] = iter(filterfalse(used.__contains__, count()))
        rows = np.flatnonzero(own & (table.source == source))
        tracked = _track_rows(table.frame[rows], table.azimuth[rows])
        new = [source, *(next(free[class_index]) for _ in range(tracked.max()))]
        numbers[rows] = np.array(new)[tracked]
    if numbers.max() > np.iinfo(np.int16).max:
        raise LabelError(f"more than {np.iinfo(np.int16).max} sources of one class")
    separated = replace(table, source=numbers.astype(np.int16))
    return separated.sorted()


def link_sources(table: EventTable, max_jump_deg: float = 60.0) -> EventTable:
    """Number same-class sources so that each keeps its number over time.

    In each frame the sources of a class are matched to those of the previous frame by the smallest total change of
    azimuth (Hungarian assignment). A source that moves by more than `max_jump_deg`, or follows a silent frame of its
    class, gets the lowest free number. A class with at most one source per frame needs no matching: its number is 0.

    Returns:
        The same rows, sorted, with a new `source` column.
    """
    table = table.sorted()
    source = np.zeros(len(table), dtype=np.int16)
    key = table.class_index.astype(np.int64) * (table.num_frames + 1) + table.frame
    for class_index in np.unique(table.class_index[np.isin(key, _repeated(key))]):
        rows = np.flatnonzero(table.class_index == class_index)
        source[rows] = _number(table.frame[rows], table.azimuth[rows], max_jump_deg)
    linked = replace(table, source=source)
    return linked.sorted() if source.any() else linked


def _track_rows(frame: NDArray[np.int32], azimuth: NDArray[np.float32]) -> NDArray[np.intp]:
    """Track number (n,), from 0, of each row; rows are sorted by frame."""
    frames, angles = frame.tolist(), azimuth.tolist()
    track = [-1] * len(frames)
    tracks: list[tuple[int, float]] = []  # last frame and azimuth of each track
    row = 0
    while row < len(frames):
        end = row + 1
        while end < len(frames) and frames[end] == frames[row]:
            end += 1
        group = range(row, end)
        if tracks:
            for new, old in cheapest_pairs([[abs(angles[one] - last) for _, last in tracks] for one in group]):
                if not abs(angles[group[new]] - tracks[old][1]) > MAX_JUMP_DEG:
                    track[group[new]] = old
        taken = {track[one] for one in group}
        for one in group:
            if track[one] < 0:
                # A track with a row in the previous frame has ended; one that was silent then may be reused.
                idle = (old for old, (last, _) in enumerate(tracks) if old not in taken and last < frames[row] - 1)
                track[one] = next(idle, len(tracks))
                taken.add(track[one])
                if track[one] == len(tracks):
                    tracks.append((frames[row], angles[one]))
        for one in group:
            tracks[track[one]] = (frames[row], angles[one])
        row = end
    return np.array(track, dtype=np.intp)


def _number(frame: NDArray[np.int32], azimuth: NDArray[np.float32], max_jump_deg: float) -> NDArray[np.int16]:
    """Source numbers (n,) of one class, whose rows are sorted by frame.

    Groups (the sources of one class in one frame) are tiny, so plain Python is faster than array operations.
    """
    frames, angles = frame.tolist(), azimuth.tolist()
    source = [-1] * len(frames)
    previous: list[int] = []
    row = 0
    while row < len(frames):
        end = row + 1
        while end < len(frames) and frames[end] == frames[row]:
            end += 1
        group = list(range(row, end))
        if previous and frames[row] - frames[previous[0]] <= 1:
            for new, old in cheapest_pairs([[abs(angles[i] - angles[j]) for j in previous] for i in group]):
                if not abs(angles[group[new]] - angles[previous[old]]) > max_jump_deg:
                    source[group[new]] = source[previous[old]]
        taken = {source[i] for i in group}
        free = (number for number in range(len(frames)) if number not in taken)
        for i in group:
            if source[i] < 0:
                source[i] = next(free)
        previous, row = group, end
    return np.array(source, dtype=np.int16)


def cheapest_pairs(cost: list[list[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column) of the assignment with the lowest total cost; NaN (no azimuth) counts as 0."""
    if len(cost) == 1 == len(cost[0]):
        return [(0, 0)]
    if len(cost) == 2 == len(cost[0]):
        straight, crossed = cost[0][0] + cost[1][1], cost[0][1] + cost[1][0]
        if straight < crossed:
            return [(0, 0), (1, 1)]
        if crossed < straight:
            return [(0, 1), (1, 0)]
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.nan_to_num(cost))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _repeated(key: NDArray[np.int64]) -> NDArray[np.int64]:
    values, counts = np.unique(key, return_counts=True)
    return values[counts > 1]
