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
from earwitness.core.events import EventTable, cheapest_pairs
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
