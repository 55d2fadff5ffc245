"""The two ways to score: `strict` for our own reports, `dcase2025` for numbers comparable with published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.geometry import fold
from earwitness.core.vocabulary import NUM_CLASSES
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
        - a class with references that was never detected counts as DOAE 180 degrees, RDE 1, distance error as if
          distance 0 had been answered, on/off accuracy 0, instead of being left out;
        - a reference at 0 cm is taken as 1 cm in the relative distance error;
        - the order of rows in a file changes nothing: where two assignments have the same angles, rows are taken by
          azimuth, distance and on/off.

    `DCASE2025` reproduces the official scorer (github.com/partha2409/DCASE2025_seld_baseline) to 1e-9, quirks included:
        - *The last labelled frame is lost.* Frames at or after a clip's last labelled frame are not scored. Effect:
          false alarms after the last event, all false alarms in clips without events, and one frame of real events
          a clip are ignored.
        - *A missing prediction file is skipped.* Effect: leaving out hard clips raises the score. (Predictions
          without a reference file make the official code fail with a KeyError; here they are an error, too.)
        - *F is always divided by the number of classes.* Effect: a class without references and predictions counts 0,
          so that perfect predictions of a test set that lacks classes score below 1.
        - *Never detected classes drop out* of DOAE, RDE, distance error and on/off accuracy. Effect: giving up on a
          hard class improves these four.
        - *Ten tracks.* From the eleventh row of a class in a frame on, each row overwrites the one in track 0.
          Effect: only for predictions that flood one class.
        - *Repeated rows count again*, each as one more source. Effect: a file written twice scores about half.
        - *Rows keep file order within a class*, which decides how ties of the assignment fall (as SciPy's
          `linear_sum_assignment` lets them). Effect: with two sources of a class, swapping two rows of a file can
          change all scores but DOAE.
        - *A reference distance of 0* is divided by as 2.2e-16. Effect: one such row makes RDE astronomical.
        - *One machine epsilon* is added to every denominator. Effect: none that is visible.
        - The official jackknife fails on current NumPy (ragged array) and rescans all files for each file left out;
          the one here gives the interval that it intended, from per-file counts.
        Malformed files (see `earwitness.data.dcase.labels`) are refused by both protocols, where the official reader
        skips a missing header's first row, drops unknown classes and ignores negative frames.
    """

    STRICT = "strict"
    DCASE2025 = "dcase2025"


@dataclass(frozen=True, slots=True, eq=False)
class ClipRows:
    """The rows of many clips, and which clip each is from.

    Attributes:
        rows: (n,) rows of all clips, clip after clip, in file order.
        clip: (n,) int64.
    """

    rows: LabelRows
    clip: NDArray[np.int64]

    @classmethod
    def join(cls, clips: Sequence[LabelRows | None]) -> ClipRows:
        """Put clips in sequence; None stands for a missing file."""
        sizes = [0 if rows is None else len(rows) for rows in clips]
        rows = LabelRows.concatenate(rows for rows in clips if rows is not None)
        return cls(rows, np.repeat(np.arange(len(clips), dtype=np.int64), sizes))

    def select(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> ClipRows:
        """The rows picked by a mask or by indices."""
        return ClipRows(LabelRows(self.rows.values[keep]), self.clip[keep])


def scored_rows(
    references: Sequence[LabelRows], predictions: Sequence[LabelRows | None], protocol: Protocol
) -> tuple[ClipRows, ClipRows]:
    """The rows that a protocol lets count, of references and of predictions (None: the file is missing)."""
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
    """Same-class rows of a frame by what their match depends on, so that ties cannot depend on the file's order."""
    crowd, cell = _crowded(side, 1)
    if not crowd.size:
        return side
    rows = side.select(crowd).rows
    order = np.arange(len(side.rows), dtype=np.int64)
    ranked = np.lexsort((rows.onscreen, rows.distance_cm, fold(rows.azimuth), cell))
    order[crowd[np.argsort(cell, kind="stable")]] = crowd[ranked]
    return side.select(order)


def _ten_tracks(side: ClipRows) -> ClipRows:
    """Keep what the official scorer keeps of more than ten rows of one class in one frame."""
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
    """Rows, in file order, of cells (clip, frame, class) with more than `limit` rows; and the number of their cell."""
    frame = side.rows.frame
    span = int(frame.max(initial=0)) + 1
    cell = (side.clip * span + frame) * NUM_CLASSES + side.rows.class_index
    ordered = np.sort(cell)
    repeated = np.unique(ordered[limit:][ordered[limit:] == ordered[:-limit]])
    if not repeated.size:
        return np.zeros(0, dtype=np.int64), repeated
    place = np.minimum(np.searchsorted(repeated, cell), repeated.size - 1)
    crowd = np.flatnonzero(repeated[place] == cell)
    return crowd, cell[crowd]


def _place_of_track_zero(sources: list[int]) -> int:
    """Which of the first ten rows sits in track 0: a row takes the track of its source number, else the lowest free."""
    taken: list[int] = []
    for source in sources[:OFFICIAL_TRACKS]:
        free = source < OFFICIAL_TRACKS and source not in taken
        taken.append(source if free else min(set(range(OFFICIAL_TRACKS)) - set(taken)))
    return taken.index(0)
