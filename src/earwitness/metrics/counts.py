"""Additive counts per file, from which all scores are computed, in a table that can be summed, saved and grouped.

Since all scores are ratios of sums, the score of a data set follows from the counts of its files, as do scores by room,
distance and other conditions, and confidence intervals; every file is matched once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from earwitness.core.classes.vocabulary_record import VocabularyRecord
from earwitness.core.errors import LabelError, first_line
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import ZIP_ERRORS
from earwitness.core.geometry import fold
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.matching import match
from earwitness.metrics.protocols import (
    AZIMUTH_THRESHOLD_DEG,
    RELATIVE_DISTANCE_THRESHOLD,
    Protocol,
    relative_distance_error,
    scored_rows,
)

COLUMNS: Final = (
    "pairs", "missed", "false_alarms", "found", "found_onscreen",
    "angle", "distance", "relative", "onscreen_correct", "reference_off", "missed_distance",
)  # fmt: skip
"""The counted quantities: matched pairs; references without a prediction (FN); predictions without a reference (FP);
pairs within the thresholds (TP), and those that have the right on/off as well; sums over pairs of the angle error
(degrees), the distance error (cm) and the relative distance error, of right on/off predictions and of references off
screen; and the sum of the distances (cm) of missed references. The official scorer's FP_spatial is pairs - found."""

CONDITIONS: Final[dict[str, tuple[str, ...]]] = {
    "azimuth": ("left 90..60", "left 60..30", "left 30..0", "right 0..30", "right 30..60", "right 60..90"),
    "distance": ("below 1 m", "1..2 m", "2..4 m", "4 m and more"),
    "overlap": ("nothing", "1 event", "2 events", "3 events", "4 events and more"),
    "onscreen": ("off", "on"),
}
"""Values of each condition. Pairs and misses take the value of the reference, false alarms that of the prediction.
`overlap` is the number of references in the frame, so that false alarms in silence have the value "nothing"."""
DIMENSIONS: Final = ("class", *CONDITIONS)

DISTANCE_EDGES_CM: Final = (100.0, 200.0, 400.0)
SECTOR_DEG: Final = 30.0
BLOCK_CLIPS: Final = 4096
"""Clips counted together: limits memory without loss of speed."""

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
_FILE_NAME: Final = re.compile(r"(?P<fold>fold\d+)_(?P<room>room\d+)_(?P<recording>mix\d+)")
_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "fold": ("fold",), "room": ("room",), "recording": ("fold", "room", "recording"),
}  # fmt: skip
FILE_GROUPS: Final = ("file", *_PARTS)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts by file, class and conditions; combinations that do not occur have no row.

    Attributes:
        files: names of the files, or of groups of files.
        index: (n, 6) int32: file, then the indices along `DIMENSIONS`: class, azimuth, distance, overlap, onscreen.
        values: (n, 11) float64: `COLUMNS`.
        vocabulary: the classes.
    """

    files: tuple[str, ...]
    index: NDArray[np.int32]
    values: FloatArray
    vocabulary: Vocabulary = DCASE2025

    @property
    def sizes(self) -> dict[str, int]:
        """Number of files, of classes and of the values of each condition."""
        conditions = {name: len(bins) for name, bins in CONDITIONS.items()}
        return {"file": len(self.files), "class": len(self.vocabulary), **conditions}

    @classmethod
    def concatenate(cls, parts: Sequence[Counts]) -> Counts:
        """Add counts; files of the same name are merged.

        Raises:
            LabelError: they are of different classes.
        """
        vocabulary = parts[0].vocabulary if parts else DCASE2025
        for part in parts:
            if difference := part.vocabulary.difference(vocabulary):
                raise LabelError(f"counts of different classes cannot be added: {difference}")
        files = tuple(dict.fromkeys(name for part in parts for name in part.files))
        number = {name: position for position, name in enumerate(files)}
        index = np.concatenate([np.zeros((0, 6), np.int32), *(part.index for part in parts)])
        renumbered = [np.array([number[name] for name in part.files], np.int32)[part.index[:, 0]] for part in parts]
        index[:, 0] = np.concatenate([np.zeros(0, np.int32), *renumbered])
        values = np.concatenate([np.zeros((0, len(COLUMNS))), *(part.values for part in parts)])
        return cls(files, index, values, vocabulary)._merged()

    def __add__(self, other: Counts) -> Counts:
        """Counts of both."""
        return Counts.concatenate([self, other])

    def by(self, *dimensions: str) -> FloatArray:
        """Sums over all dimensions (`file` and `DIMENSIONS`) except the named ones.

        Returns:
            (size of each named dimension, in the given order..., 11).

        Raises:
            KeyError: there is no such dimension.
        """
        sizes = self.sizes
        shape = tuple(sizes[name] for name in dimensions)
        names = list(sizes)
        flat = np.zeros(len(self.index), dtype=np.int64)
        for name in dimensions:
            flat = flat * sizes[name] + self.index[:, names.index(name)]
        size = int(np.prod(shape, dtype=np.int64))
        return _sums(flat, self.values, size).reshape(*shape, len(COLUMNS))

    def only(self, dimension: str, position: int) -> Counts:
        """The counts under one condition (or of one class, or file), over the same files."""
        column = ("file", *DIMENSIONS).index(dimension)
        keep = self.index[:, column] == position
        return replace(self, index=self.index[keep], values=self.values[keep])

    def grouped(self, unit: str) -> Counts:
        """Sum the files of each `fold`, `room` or `recording`, which follow from their names; `file` keeps all files.

        Raises:
            LabelError: a name is not of the form fold4_room2_mix029_deg000_start0000.
        """
        if unit == "file":
            return self
        labels = [file_group(name, unit) for name in self.files]
        groups = tuple(sorted(set(labels)))
        index = self.index.copy()
        index[:, 0] = np.array([groups.index(label) for label in labels], dtype=np.int32)[self.index[:, 0]]
        return replace(self, files=groups, index=index)._merged()

    def save(self, path: Path | str) -> None:
        """Write the table atomically as a compressed `.npz`."""
        files = np.array(self.files, dtype=np.str_)
        with atomic_file(Path(path)) as temporary, temporary.open("wb") as file:
            record = VocabularyRecord.of(self.vocabulary).model_dump_json()
            np.savez_compressed(file, files=files, index=self.index, values=self.values, vocabulary=record)

    @classmethod
    def load(cls, path: Path | str) -> Counts:
        """Read a table written by `save`.

        Raises:
            LabelError: the file is not such a table.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                files, index, values = arrays["files"], arrays["index"], arrays["values"]
                record = str(arrays["vocabulary"]) if "vocabulary" in arrays else None
            vocabulary = DCASE2025 if record is None else VocabularyRecord.model_validate_json(record).vocabulary()
        except (*ZIP_ERRORS, ValidationError) as error:
            raise LabelError(f"{path}: not a table of counts ({first_line(error)}); count again") from error
        if index.shape[1:] != (1 + len(DIMENSIONS),) or values.shape != (len(index), len(COLUMNS)):
            raise LabelError(f"{path}: a table of counts with different columns; count again")
        return cls(tuple(files.tolist()), index, values, vocabulary)

    def _merged(self) -> Counts:
        """One row per combination of file, class and conditions."""
        sizes = tuple(self.sizes.values())
        key = np.ravel_multi_index(tuple(self.index.T), sizes) if len(self.index) else np.zeros(0, np.int64)
        keys, inverse = np.unique(key, return_inverse=True)
        index = np.stack(np.unravel_index(keys, sizes), axis=1).astype(np.int32)
        return replace(self, index=index, values=_sums(inverse, self.values, keys.size))


def _sums(bins: IndexArray, values: FloatArray, size: int) -> FloatArray:
    """Sum the rows of `values` (n, 11) that share a bin: (size, 11)."""
    sums = [np.bincount(bins, weights=column, minlength=size) for column in values.T]
    return np.stack(sums, axis=-1).astype(np.float64)


def file_group(name: str, unit: str) -> str:
    """The fold, room or recording in a DCASE file name.

    Raises:
        LabelError: the name does not contain it.
    """
    found = _FILE_NAME.match(name)
    if found is None:
        raise LabelError(f"'{name}' does not contain its {unit}: use names like fold4_room2_mix029_deg000_start0000")
    return "_".join(found[part] for part in _PARTS[unit])


def count(
    files: Sequence[str],
    references: Sequence[LabelRows],
    predictions: Sequence[LabelRows | None],
    protocol: Protocol = Protocol.STRICT,
) -> Counts:
    """Match the predictions of clips with their references and count.

    Args:
        files: (clips,) unique names.
        references: (clips,).
        predictions: (clips,); None where the prediction file is missing.
        protocol: scoring protocol.
    """
    if not len(files) == len(references) == len(predictions):
        raise LabelError(f"{len(references)} references, {len(predictions)} predictions and {len(files)} names")
    empty = Counts(
        tuple(files), np.zeros((0, 6), np.int32), np.zeros((0, len(COLUMNS))), _one_vocabulary(references, predictions)
    )
    index, values = [empty.index], [empty.values]
    for first in range(0, len(files), BLOCK_CLIPS):
        block = slice(first, first + BLOCK_CLIPS)
        block_index, block_values = _count_block(references[block], predictions[block], protocol, empty)
        block_index[:, 0] += first
        index.append(block_index)
        values.append(block_values)
    return replace(empty, index=np.concatenate(index), values=np.concatenate(values))


def _one_vocabulary(references: Sequence[LabelRows], predictions: Sequence[LabelRows | None]) -> Vocabulary:
    """The classes of references and predictions.

    Raises:
        LabelError: they differ.
    """
    vocabulary = references[0].vocabulary if references else DCASE2025
    for rows in (*references, *predictions):
        if rows is not None and (difference := rows.vocabulary.difference(vocabulary)):
            raise LabelError(f"labels of different classes cannot be compared: {difference}")
    return vocabulary


def _count_block(
    references: Sequence[LabelRows], predictions: Sequence[LabelRows | None], protocol: Protocol, whole: Counts
) -> tuple[NDArray[np.int32], FloatArray]:
    """Index and values of the counts of some clips of `whole`, files numbered from 0."""
    refs, preds = scored_rows(references, predictions, protocol)
    span = 1 + max((int(side.rows.frame.max()) for side in (refs, preds) if side.clip.size), default=0)
    frame_r, frame_p = (side.clip * span + side.rows.frame for side in (refs, preds))
    class_r, class_p, classes = refs.rows.class_index, preds.rows.class_index, len(whole.vocabulary)
    azimuth_r, azimuth_p = (fold(side.rows.azimuth).astype(np.float64, copy=False) for side in (refs, preds))
    matches = match(frame_r * classes + class_r, azimuth_r, frame_p * classes + class_p, azimuth_p)

    frames, events = np.unique(frame_r, return_counts=True)
    sizes = tuple((whole.sizes | {"file": len(references)}).values())
    key_r = _cell_keys(refs.clip, refs.rows, azimuth_r, _look_up(frame_r, frames, events), sizes)
    key_p = _cell_keys(preds.clip, preds.rows, azimuth_p, _look_up(frame_p, frames, events), sizes)
    key = np.concatenate([key_r[matches.reference], key_r[matches.missed], key_p[matches.false_alarms]])
    keys, inverse = np.unique(key, return_inverse=True)
    paired, missed, false = np.split(inverse, np.cumsum([matches.reference.size, matches.missed.size]))

    angle = np.abs(azimuth_r[matches.reference] - azimuth_p[matches.prediction])
    true_distance = refs.rows.distance_cm[matches.reference]
    distance = np.abs(true_distance - preds.rows.distance_cm[matches.prediction])
    relative = relative_distance_error(true_distance, distance, protocol)
    onscreen = refs.rows.onscreen[matches.reference]
    correct = onscreen == preds.rows.onscreen[matches.prediction]
    found = (angle <= AZIMUTH_THRESHOLD_DEG) & (relative <= RELATIVE_DISTANCE_THRESHOLD)
    weights: dict[str, tuple[IndexArray, FloatArray | NDArray[np.bool_] | None]] = {
        "pairs": (paired, None), "missed": (missed, None), "false_alarms": (false, None),
        "found": (paired, found), "found_onscreen": (paired, found & correct),
        "angle": (paired, angle), "distance": (paired, distance), "relative": (paired, relative),
        "onscreen_correct": (paired, correct), "reference_off": (paired, ~onscreen),
        "missed_distance": (missed, refs.rows.distance_cm[matches.missed]),
    }  # fmt: skip
    values = np.stack([np.bincount(*weights[name], minlength=keys.size) for name in COLUMNS], axis=1)
    return np.stack(np.unravel_index(keys, sizes), axis=1).astype(np.int32), values.astype(np.float64)


def _cell_keys(
    clip: IndexArray, rows: LabelRows, azimuth: FloatArray, events: IndexArray, sizes: tuple[int, ...]
) -> IndexArray:
    """Flat index of each row over file, class and conditions."""
    sector = np.clip((90.0 - azimuth) // SECTOR_DEG, 0, len(CONDITIONS["azimuth"]) - 1).astype(np.int64)
    far = np.searchsorted(DISTANCE_EDGES_CM, rows.distance_cm, side="right")
    overlap = np.minimum(events, len(CONDITIONS["overlap"]) - 1)
    where = (clip, rows.class_index, sector, far, overlap, rows.onscreen.astype(np.int64))
    return np.asarray(np.ravel_multi_index(where, sizes), dtype=np.int64)


def _look_up(frame: IndexArray, frames: IndexArray, events: IndexArray) -> IndexArray:
    """Number of references in each row's frame; 0 in frames without any."""
    if not frames.size:
        return np.zeros(frame.size, dtype=np.int64)
    place = np.minimum(np.searchsorted(frames, frame), frames.size - 1)
    return np.where(frames[place] == frame, events[place], 0)
