"""The two scoring protocols: `strict` for this project's reports, `dcase2025` for comparison with published scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.geometry import fold
from earwitness.data.dcase.labels import LabelRows

AZIMUTH_THRESHOLD_DEG: Final = 20.0
RELATIVE_DISTANCE_THRESHOLD: Final = 1.0
EPS: Final = float(np.finfo(float).eps)
OFFICIAL_TRACKS: Final = 10
SMALLEST_DISTANCE_CM: Final = 1.0


class Protocol(StrEnum):
    """How clips are counted and averaged.

    Both match by azimuth and use the thresholds of F20/1: a matched pair counts as found if its folded azimuths differ
    by at most 20 degrees and its distance error is at most the reference distance.

    `STRICT`:
        - every frame of every reference file counts;
        - a reference file without predictions is all misses; predictions without a reference file are an error;
        - F is averaged over the classes that occur in references or predictions;
        - a class with references that is never detected counts with DOAE 180 degrees, RDE 1, the distance error of
          predicted distances of 0, and on/off accuracy 0, instead of being left out;
        - a reference distance of 0 cm counts as 1 cm in the relative distance error;
        - the order of rows in a file has no effect: ties of the assignment are resolved by azimuth, distance and
          on/off.

    `DCASE2025` reproduces the official scorer (github.com/partha2409/DCASE2025_seld_baseline) to 1e-9, quirks included:
        - *The last labelled frame is lost.* Frames at or after a clip's last labelled frame are not scored. Effect:
          false alarms after the last event, all false alarms in clips without events, and one frame of real events
          per clip are ignored.
        - *A missing prediction file is skipped.* Effect: leaving out hard clips raises the score. (Predictions
          without a reference file make the official code fail with a KeyError; here they are an error, too.)
        - *F is always divided by the number of classes.* Effect: a class without references and predictions counts as
          0, so that perfect predictions for a test set that lacks classes score below 1.
        - *Never detected classes are left out* of DOAE, RDE, distance error and on/off accuracy. Effect: never
          predicting a hard class improves these four.
        - *Ten tracks.* From the eleventh row of a class in a frame on, each row overwrites the one in track 0.
          Effect: only for more than ten predictions of one class in a frame.
        - *Repeated rows count again*, each as a further source. Effect: a file with all rows twice scores about half.
        - *Rows keep their file order within a class*, which decides ties of the assignment (as in SciPy's
          `linear_sum_assignment`). Effect: with two sources of a class, swapping two rows of a file can change all
          scores but DOAE.
        - *A reference distance of 0* becomes a divisor of 2.2e-16. Effect: one such row makes RDE extremely large.
        - *One machine epsilon* is added to every denominator. Effect: not visible.
        - The official jackknife fails on current NumPy (ragged array) and rescans all files for each file left out;
          this one computes the intended interval from per-file counts.
        Both protocols refuse malformed files (see `earwitness.data.dcase.labels`), where the official reader skips the
        first row of a file without a header, drops unknown classes and ignores negative frames.
    """

    STRICT = "strict"
    DCASE2025 = "dcase2025"


@dataclass(frozen=True, slots=True, eq=False)
class ClipRows:
    """The rows of many clips, and the clip of each row.

    Attributes:
        rows: (n,) rows of all clips, clip after clip, in file order.
        clip: (n,) int64, number of the clip.
    """

    rows: LabelRows
    clip: NDArray[np.int64]

    @classmethod
    def join(cls, clips: Sequence[LabelRows | None]) -> ClipRows:
        """Concatenate clips; None stands for a missing file."""
        sizes = [0 if rows is None else len(rows) for rows in clips]
        rows = LabelRows.concatenate(rows for rows in clips if rows is not None)
        return cls(rows, np.repeat(np.arange(len(clips), dtype=np.int64), sizes))

    def select(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> ClipRows:
        """The rows selected by a mask or by indices."""
        return ClipRows(replace(self.rows, values=self.rows.values[keep]), self.clip[keep])


def scored_rows(
    references: Sequence[LabelRows], predictions: Sequence[LabelRows | None], protocol: Protocol
) -> tuple[ClipRows, ClipRows]:
    """The rows of references and predictions that the protocol scores; None stands for a missing file."""
    refs, preds = ClipRows.join(references), ClipRows.join(predictions)
    if protocol is Protocol.STRICT:
        return _in_canonical_order(refs), _in_canonical_order(preds)
    end = np.zeros(len(references), dtype=np.int64)
    np.maximum.at(end, refs.clip, refs.rows.frame)
    end[[rows is None for rows in predictions]] = 0
    refs, preds = (side.select(side.rows.frame < end[side.clip]) for side in (refs, preds))
    return _ten_tracks(refs), _ten_tracks(preds)


def relative_distance_error(
    reference_cm: NDArray[np.float64], error_cm: NDArray[np.float64], protocol: Protocol
) -> NDArray[np.float64]:
    """Distance error over reference distance."""
    if protocol is Protocol.STRICT:
        return error_cm / np.maximum(reference_cm, SMALLEST_DISTANCE_CM)
    return error_cm / (reference_cm + EPS)


def _in_canonical_order(side: ClipRows) -> ClipRows:
    """Sort the rows of each class and frame by azimuth, distance and on/off, to make ties independent of file order."""
    crowd, cell = _crowded(side, 1)
    if not crowd.size:
        return side
    rows = side.select(crowd).rows
    order = np.arange(len(side.rows), dtype=np.int64)
    ranked = np.lexsort((rows.onscreen, rows.distance_cm, fold(rows.azimuth), cell))
    order[crowd[np.argsort(cell, kind="stable")]] = crowd[ranked]
    return side.select(order)


def _ten_tracks(side: ClipRows) -> ClipRows:
    """Keep the rows that the official scorer keeps of more than ten rows of one class in one frame."""
    crowd, cell = _crowded(side, OFFICIAL_TRACKS)
    if not crowd.size:
        return side
    kept = np.arange(len(side.rows), dtype=np.int64)
    keep = np.ones(len(side.rows), dtype=bool)
    source = side.rows.source
    for number in np.unique(cell):
        rows = crowd[cell == number]
        keep[rows[OFFICIAL_TRACKS:]] = False
        kept[rows[_place_of_track_zero(source[rows].tolist())]] = rows[-1]
    return side.select(kept[keep])


def _crowded(side: ClipRows, limit: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows, in file order, of cells (clip, frame, class) with more than `limit` rows, and the number of their cell."""
    frame = side.rows.frame
    span = int(frame.max(initial=0)) + 1
    cell = (side.clip * span + frame) * len(side.rows.vocabulary) + side.rows.class_index
    ordered = np.sort(cell)
    repeated = np.unique(ordered[limit:][ordered[limit:] == ordered[:-limit]])
    if not repeated.size:
        return np.zeros(0, dtype=np.int64), repeated
    place = np.minimum(np.searchsorted(repeated, cell), repeated.size - 1)
    crowd = np.flatnonzero(repeated[place] == cell)
    return crowd, cell[crowd]


def _place_of_track_zero(sources: list[int]) -> int:
    """Which of the first ten rows is in track 0: a row takes the track of its source number, else the lowest free."""
    taken: list[int] = []
    for source in sources[:OFFICIAL_TRACKS]:
        free = source < OFFICIAL_TRACKS and source not in taken
        taken.append(source if free else min(set(range(OFFICIAL_TRACKS)) - set(taken)))
    return taken.index(0)
