"""Source numbers of labels: what one file writes under one number is told apart before anything is made of it.

Many programs, the DCASE baselines among them, write source 0 for all. Two rows of one frame and class are two sources
all the same: taken for one, they would become a single sound half-way between them.
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
from earwitness.core.vocabulary import NUM_CLASSES

MOST_AT_ONCE: Final = 100
"""Rows of one frame, class and source; more is a damaged file, and would take hours to follow."""
MAX_JUMP_DEG: Final = 60.0
"""A source that moves farther from one frame to the next is another one."""


def separate_sources(table: EventTable) -> EventTable:
    """Make (frame, class, source) unique: rows that share all three become different sources.

    Rows of one class and number are followed over time, each to the row nearest in direction; the first keeps the
    number, the others get numbers that the class does not use. Rows of other numbers, and tables in which nothing is
    ambiguous, stay as they are.

    Returns:
        The table itself where nothing is ambiguous, else the same rows, sorted, with another `source` column.

    Raises:
        LabelError: more than `MOST_AT_ONCE` rows of one frame, class and number.
    """
    cell = table.frame.astype(np.int64) * NUM_CLASSES + table.class_index
    _, first, counts = np.unique((cell << 16) + table.source, return_index=True, return_counts=True)
    if not (counts > 1).any():
        return table
    if counts.max() > MOST_AT_ONCE:
        row = first[counts.argmax()]
        raise LabelError(
            f"frame {table.frame[row]} holds {counts.max()} sounds of class {table.class_index[row]} and source "
            f"{table.source[row]}; there are at most {MOST_AT_ONCE}"
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
        follows = _follow(table.frame[rows], table.azimuth[rows])
        new = [source, *(next(free[class_index]) for _ in range(follows.max()))]
        numbers[rows] = np.array(new)[follows]
    if numbers.max() > np.iinfo(np.int16).max:
        raise LabelError(f"holds more than {np.iinfo(np.int16).max} sources of one class")
    separated = replace(table, source=numbers.astype(np.int16))
    return separated.sorted()


def link_sources(table: EventTable, max_jump_deg: float = 60.0) -> EventTable:
    """Number same-class sources so that each keeps its number over time.

    In each frame the sources of a class are matched to those of the previous frame by the smallest total change of
    azimuth (Hungarian assignment); a change above `max_jump_deg`, or a class that was silent, starts a new number
    from the lowest that is free. Sources of one frame that stand alone in their class are numbered without matching.

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


def _follow(frame: NDArray[np.int32], azimuth: NDArray[np.float32]) -> NDArray[np.intp]:
    """Tracks (n,), numbered from 0, of rows that are sorted by frame."""
    frames, angles = frame.tolist(), azimuth.tolist()
    track = [-1] * len(frames)
    heard: list[tuple[int, float]] = []  # of each track, the last frame and azimuth
    row = 0
    while row < len(frames):
        end = row + 1
        while end < len(frames) and frames[end] == frames[row]:
            end += 1
        group = range(row, end)
        if heard:
            for new, old in cheapest_pairs([[abs(angles[one] - last) for _, last in heard] for one in group]):
                if not abs(angles[group[new]] - heard[old][1]) > MAX_JUMP_DEG:
                    track[group[new]] = old
        taken = {track[one] for one in group}
        for one in group:
            if track[one] < 0:
                # A track that sounded just now and is gone has ended; one that was silent before may be taken up.
                idle = (old for old, (last, _) in enumerate(heard) if old not in taken and last < frames[row] - 1)
                track[one] = next(idle, len(heard))
                taken.add(track[one])
                if track[one] == len(heard):
                    heard.append((frames[row], angles[one]))
        for one in group:
            heard[track[one]] = (frames[row], angles[one])
        row = end
    return np.array(track, dtype=np.intp)


def _number(frame: NDArray[np.int32], azimuth: NDArray[np.float32], max_jump_deg: float) -> NDArray[np.int16]:
    """Source numbers (n,) of one class, whose rows are sorted by frame.

    Groups are tiny (the sources of one class in one frame), so that plain Python is faster here than array calls.
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
    """Pairs (row, column) of the cheapest assignment of a matrix of costs; NaN (no direction) costs nothing."""
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
