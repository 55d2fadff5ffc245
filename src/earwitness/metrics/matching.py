"""Assignment of predictions to references, for many clips at once: rows by frame and class, and whole events.

A cell is one class in one frame of one clip. Within a cell references and predictions are paired so that the sum of
|fold(azimuth) - fold(azimuth')| is smallest (Hungarian assignment). Cells with one row on a side, and 2 x 2 cells, are
solved for all clips together; `scipy.optimize.linear_sum_assignment` solves the other cells.

Ties are common: whenever both predictions lie on the same side of both references, the two assignments of a 2 x 2 cell
have the same cost, but their distance and on/off errors differ. Ties are resolved as SciPy resolves them for the same
row order.

A predicted event is matched to a true source if at least half of its rows are paired with that source. So a matched
event is real, and of the right class, but it may be far off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from earwitness.core.events import EventTable
from earwitness.core.geometry import fold
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.protocols import Protocol, scored_rows

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
NEAR_TIE_DEG: Final = 1e-6
"""Difference in cost below which SciPy solves a 2 x 2 cell, since rounding could decide between the assignments."""
LEAST_SHARE: Final = 0.5
"""Share of an event's rows that must be paired with one source."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Row indices of matched and unmatched rows.

    Attributes:
        reference, prediction: (pairs,) rows that are matched to each other.
        missed: references without a prediction.
        false_alarms: predictions without a reference.
    """

    reference: IndexArray
    prediction: IndexArray
    missed: IndexArray
    false_alarms: IndexArray


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Rows sorted by cell: cell `i` holds rows order[start[i] : start[i] + size[i]], in file order."""

    key: IndexArray
    start: IndexArray
    size: IndexArray
    order: IndexArray


def match(
    reference_cell: IndexArray,
    reference_azimuth: FloatArray,
    prediction_cell: IndexArray,
    prediction_azimuth: FloatArray,
) -> Matches:
    """Match the rows of each cell.

    Args:
        reference_cell: (references,) number of the cell of each row, >= 0.
        reference_azimuth: (references,) degrees, folded.
        prediction_cell, prediction_azimuth: the same for (predictions,).
    """
    refs, preds = _cells(reference_cell), _cells(prediction_cell)
    _, ours, theirs = np.intersect1d(refs.key, preds.key, assume_unique=True, return_indices=True)
    start_r, size_r = refs.start[ours], refs.size[ours]
    start_p, size_p = preds.start[theirs], preds.size[theirs]
    azimuth_r, azimuth_p = reference_azimuth[refs.order], prediction_azimuth[preds.order]

    single_r, single_p = size_r == 1, size_p == 1
    two_by_two = (size_r == 2) & (size_p == 2)
    pairs = [(start_r[single_r & single_p], start_p[single_r & single_p])]
    one_to_many = single_r & ~single_p
    pairs.append(_nearest(start_r[one_to_many], azimuth_r, start_p[one_to_many], size_p[one_to_many], azimuth_p))
    many_to_one = single_p & ~single_r
    pairs.append(_nearest(start_p[many_to_one], azimuth_p, start_r[many_to_one], size_r[many_to_one], azimuth_r)[::-1])
    solved, undecided = _two_by_two(start_r[two_by_two], azimuth_r, start_p[two_by_two], azimuth_p)
    pairs.append(solved)
    rest = np.flatnonzero(~single_r & ~single_p & ~two_by_two)
    rest = np.concatenate([rest, np.flatnonzero(two_by_two)[undecided]])
    pairs.append(_hungarian(start_r[rest], size_r[rest], azimuth_r, start_p[rest], size_p[rest], azimuth_p))

    reference = refs.order[np.concatenate([pair[0] for pair in pairs])]
    prediction = preds.order[np.concatenate([pair[1] for pair in pairs])]
    return Matches(
        reference, prediction, _others(reference, reference_cell.size), _others(prediction, prediction_cell.size)
    )


def _cells(cell: IndexArray) -> _Cells:
    order = np.argsort(cell, kind="stable").astype(np.int64)
    ordered = cell[order]
    is_first = np.ones(cell.size, dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    start = np.flatnonzero(is_first).astype(np.int64)
    return _Cells(ordered[start], start, np.diff(start, append=cell.size), order)


def _nearest(
    single: IndexArray, single_azimuth: FloatArray, start: IndexArray, size: IndexArray, azimuth: FloatArray
) -> tuple[IndexArray, IndexArray]:
    """One row against several: the nearest, or the first of several at the same distance."""
    if not single.size:
        return single, single
    offset = np.cumsum(size) - size
    owner = np.repeat(np.arange(single.size), size)
    candidates = np.arange(owner.size) - offset[owner] + start[owner]
    error = np.abs(azimuth[candidates] - single_azimuth[single][owner])
    nearest = np.flatnonzero(error == np.minimum.reduceat(error, offset)[owner])
    _, first = np.unique(owner[nearest], return_index=True)
    return single, candidates[nearest[first]]


def _two_by_two(
    start_r: IndexArray, azimuth_r: FloatArray, start_p: IndexArray, azimuth_p: FloatArray
) -> tuple[tuple[IndexArray, IndexArray], NDArray[np.bool_]]:
    """Pairs of 2 x 2 cells, and a mask of the cells that are too close to a tie to be solved here."""
    straight, across = (
        np.abs(azimuth_r[start_r] - azimuth_p[start_p]),
        np.abs(azimuth_r[start_r] - azimuth_p[start_p + 1]),
    )
    in_order = straight + np.abs(azimuth_r[start_r + 1] - azimuth_p[start_p + 1])
    crossed = across + np.abs(azimuth_r[start_r + 1] - azimuth_p[start_p])
    # Sums of whole degrees are exact, and on a tie SciPy pairs the first reference with its nearer prediction.
    whole = (straight % 1 == 0) & (across % 1 == 0) & (in_order % 1 == 0) & (crossed % 1 == 0)
    undecided = (np.abs(in_order - crossed) < NEAR_TIE_DEG) & ~whole
    swap = np.where(in_order == crossed, straight > across, crossed < in_order)[~undecided].astype(np.int64)
    first, second = start_r[~undecided], start_p[~undecided]
    return (np.concatenate([first, first + 1]), np.concatenate([second + swap, second + 1 - swap])), undecided


def _hungarian(
    start_r: IndexArray, size_r: IndexArray, azimuth_r: FloatArray,
    start_p: IndexArray, size_p: IndexArray, azimuth_p: FloatArray,
) -> tuple[IndexArray, IndexArray]:  # fmt: skip
    reference: list[IndexArray] = [np.zeros(0, dtype=np.int64)]
    prediction: list[IndexArray] = [np.zeros(0, dtype=np.int64)]
    for r, m, p, n in zip(start_r.tolist(), size_r.tolist(), start_p.tolist(), size_p.tolist(), strict=True):
        rows, columns = linear_sum_assignment(np.abs(azimuth_r[r : r + m, None] - azimuth_p[None, p : p + n]))
        reference.append(rows + r)
        prediction.append(columns + p)
    return np.concatenate(reference), np.concatenate(prediction)


def _others(chosen: IndexArray, size: int) -> IndexArray:
    free = np.ones(size, dtype=bool)
    free[chosen] = False
    return np.flatnonzero(free).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """True and predicted values, one entry per matched pair.

    Attributes:
        class_index: (n,).
        azimuth, answered_azimuth: (n,) degrees, folded.
        distance_cm, answered_distance_cm: (n,).
    """

    class_index: NDArray[np.int64]
    azimuth: NDArray[np.float64]
    answered_azimuth: NDArray[np.float64]
    distance_cm: NDArray[np.float64]
    answered_distance_cm: NDArray[np.float64]


def matched_pairs(
    references: Sequence[LabelRows], predictions: Sequence[LabelRows | None], protocol: Protocol = Protocol.STRICT
) -> Pairs:
    """The pairs that `count` counts; arguments as for `count`."""
    refs, preds = scored_rows(references, predictions, protocol)
    span = 1 + max((int(side.rows.frame.max()) for side in (refs, preds) if side.clip.size), default=0)
    cell_r, cell_p = (
        (side.clip * span + side.rows.frame) * len(side.rows.vocabulary) + side.rows.class_index
        for side in (refs, preds)
    )
    azimuth_r, azimuth_p = (fold(side.rows.azimuth).astype(np.float64, copy=False) for side in (refs, preds))
    matches = match(cell_r, azimuth_r, cell_p, azimuth_p)
    return Pairs(
        refs.rows.class_index[matches.reference],
        azimuth_r[matches.reference],
        azimuth_p[matches.prediction],
        refs.rows.distance_cm[matches.reference],
        preds.rows.distance_cm[matches.prediction],
    )


@dataclass(frozen=True, slots=True, eq=False)
class EventPairs:
    """Matched events of several clips, one entry each.

    Attributes:
        clip: (n,) index of the clip.
        event: (n,) index of the event among the runs of the predicted table; see `EventTable.runs`.
        azimuth: (n,) median azimuth of the source in the paired frames, degrees.
        distance: (n,) median distance of the source in the paired frames, metres.
        overlap: (n,) number of true events of any class at once, mean over the paired frames, rounded.
    """

    clip: IndexArray
    event: IndexArray
    azimuth: FloatArray
    distance: FloatArray
    overlap: IndexArray

    def __len__(self) -> int:
        """Number of matched events."""
        return self.clip.size


def event_pairs(references: Sequence[EventTable], predictions: Sequence[EventTable]) -> EventPairs:
    """The matched events of clips; events without a direction are left out."""
    entries: list[tuple[float, ...]] = []
    for clip, (true, predicted) in enumerate(zip(references, predictions, strict=True)):
        entries += [(clip, *entry) for entry in _pairs_of_clip(true, predicted)]
    columns = np.array(entries, dtype=np.float64).reshape(-1, 5).T
    return EventPairs(
        columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2], columns[3], columns[4].astype(np.int64)
    )


def _pairs_of_clip(true: EventTable, predicted: EventTable) -> list[tuple[float, ...]]:
    by_event, first, stop = predicted.runs()
    true = true.select(np.isfinite(true.azimuth) & np.isfinite(true.distance))
    pairs = match(
        _event_cells(true), true.azimuth.astype(np.float64), _event_cells(by_event), by_event.azimuth.astype(np.float64)
    )
    partner = np.full(len(by_event), -1, dtype=np.int64)
    partner[pairs.prediction] = pairs.reference
    at_once = np.bincount(true.frame, minlength=1)
    entries: list[tuple[float, ...]] = []
    for number, (begin, end) in enumerate(zip(first.tolist(), stop.tolist(), strict=True)):
        rows = partner[begin:end]
        rows = rows[rows >= 0]
        if not rows.size or not np.isfinite(by_event.azimuth[begin]):
            continue
        sources, counts = np.unique(true.source[rows], return_counts=True)
        best = int(counts.argmax())
        if counts[best] < LEAST_SHARE * (end - begin):
            continue
        rows = rows[true.source[rows] == sources[best]]
        azimuth, distance = (float(np.median(column[rows])) for column in (true.azimuth, true.distance))
        entries.append((number, azimuth, distance, float(np.floor(at_once[true.frame[rows]].mean() + 0.5))))
    return entries


def _event_cells(table: EventTable) -> IndexArray:
    return table.frame.astype(np.int64) * len(table.vocabulary) + table.class_index
