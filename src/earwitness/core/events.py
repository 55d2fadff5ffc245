"""Tables of sound events at 10 frames per second: the data structure that all parts of the program exchange.

Units: frames of 100 ms, degrees (positive to the left) and metres. Only DCASE CSV files use centimetres.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import LabelError
from earwitness.core.vocabulary import DCASE2025, SoundClass, Vocabulary, own_classes

FRAME_RATE: Final = 10
"""Label frames per second."""
FRAME_SECONDS: Final = 1.0 / FRAME_RATE
MOST_FRAMES: Final = 7 * 24 * 3600 * FRAME_RATE
"""One week; later labels indicate a damaged file."""

_DTYPES: Final[dict[str, type[np.generic]]] = {
    "frame": np.int32,
    "class_index": np.int16,
    "source": np.int16,
    "azimuth": np.float32,
    "distance": np.float32,
    "onscreen": np.bool_,
    "score": np.float32,
}
COLUMNS: Final = tuple(_DTYPES)
_DEFAULTS: Final[dict[str, ArrayLike]] = {"source": 0, "onscreen": False, "score": 1.0}


class OptionalColumns(TypedDict, total=False):
    """Columns that have a default value; see `EventTable`."""

    source: ArrayLike
    onscreen: ArrayLike
    score: ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class EventTable:
    """Immutable table with one row per source and frame.

    Attributes:
        frame: (n,) int32, 100-ms frame, 0 <= frame < num_frames.
        class_index: (n,) int16, position in the vocabulary.
        source: (n,) int16, number that distinguishes sources of one class; constant over time for one source.
        azimuth: (n,) float32, degrees in [-90, 90], positive to the left; NaN if unknown.
        distance: (n,) float32, metres, at least 0; NaN if unknown.
        onscreen: (n,) bool.
        score: (n,) float32 in [0, 1]; 1 in references.
        num_frames: length of the clip in frames; it may exceed the last event.
        vocabulary: the classes that `class_index` refers to.
    """

    frame: NDArray[np.int32]
    class_index: NDArray[np.int16]
    source: NDArray[np.int16]
    azimuth: NDArray[np.float32]
    distance: NDArray[np.float32]
    onscreen: NDArray[np.bool_]
    score: NDArray[np.float32]
    num_frames: int
    vocabulary: Vocabulary = DCASE2025

    @classmethod
    def from_columns(
        cls,
        *,
        frame: ArrayLike,
        class_index: ArrayLike,
        azimuth: ArrayLike,
        distance: ArrayLike,
        num_frames: int | None = None,
        **optional: Unpack[OptionalColumns],
    ) -> EventTable:
        """Create and validate a table of DCASE2025's classes; scalars are repeated to the length of `frame`.

        Args:
            frame: column, see the attributes of the class.
            class_index: column.
            azimuth: column.
            distance: column.
            num_frames: length of the clip; by default up to and including the last row.
            optional: the other columns: `source` (by default 0), `onscreen` (False), `score` (1).

        Raises:
            LabelError: columns of different lengths, or a value out of range (the message names the row).
        """
        if unknown := optional.keys() - _DEFAULTS.keys():
            raise TypeError(f"an event table has no column '{min(unknown)}'")
        required = {"frame": frame, "class_index": class_index, "azimuth": azimuth, "distance": distance}
        given: dict[str, ArrayLike] = {**_DEFAULTS, **optional, **required}  # type: ignore[dict-item]
        return cls.from_mapping(given, num_frames)

    @classmethod
    def from_mapping(
        cls, given: Mapping[str, ArrayLike], num_frames: int | None = None, vocabulary: Vocabulary = DCASE2025
    ) -> EventTable:
        """As `from_columns`, for columns by name and any classes.

        Args:
            given: all `COLUMNS`; scalars are repeated to the length of `frame`.
            num_frames: length of the clip; by default up to and including the last row.
            vocabulary: the classes that `class_index` refers to.

        Raises:
            LabelError: as `from_columns`.
        """
        length = np.atleast_1d(np.asarray(given["frame"])).size
        columns = {name: _column(name, given[name], length) for name in COLUMNS}
        if num_frames is None:
            num_frames = int(columns["frame"].max()) + 1 if length else 0
        table = cls(**columns, num_frames=int(num_frames), vocabulary=vocabulary)
        table._check()
        return table

    @classmethod
    def empty(cls, num_frames: int = 0, vocabulary: Vocabulary = DCASE2025) -> EventTable:
        """A table without events."""
        return cls.from_mapping({name: [] for name in COLUMNS}, num_frames, vocabulary)

    @classmethod
    def concatenate(cls, tables: Iterable[EventTable], num_frames: int | None = None) -> EventTable:
        """All rows of `tables` on a common time axis, sorted by frame, class and source.

        Raises:
            LabelError: the tables refer to different classes.
        """
        tables = list(tables)
        if not tables:
            return cls.empty(num_frames or 0)
        vocabulary = tables[0].vocabulary
        for table in tables:
            if difference := table.vocabulary.difference(vocabulary):
                raise LabelError(f"events of different classes cannot be joined: {difference}")
        columns: dict[str, Any] = {name: np.concatenate([getattr(table, name) for table in tables]) for name in COLUMNS}
        if num_frames is None:
            num_frames = max(table.num_frames for table in tables)
        return cls.from_mapping(columns, num_frames, vocabulary).sorted()

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.frame.size)

    @property
    def duration(self) -> float:
        """Length of the clip in seconds."""
        return self.num_frames * FRAME_SECONDS

    def select(self, rows: NDArray[Any] | slice) -> EventTable:
        """Rows selected by a boolean mask, indices or a slice; a slice makes no copy."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def sorted(self) -> EventTable:
        """Rows sorted by frame, class and source."""
        return self.select(np.lexsort((self.source, self.class_index, self.frame)))

    def with_columns(self, **columns: ArrayLike) -> EventTable:
        """A validated copy with some columns replaced."""
        given: dict[str, Any] = {name: columns.get(name, getattr(self, name)) for name in COLUMNS}
        return EventTable.from_mapping(given, self.num_frames, self.vocabulary)

    def window(self, start: int, stop: int) -> EventTable:
        """Rows with start <= frame < stop; frame numbers of the result count from `start`."""
        part = self.select((self.frame >= start) & (self.frame < stop))
        return replace(part, frame=(part.frame - start).astype(np.int32), num_frames=stop - start)

    def shifted(self, frames: int, num_frames: int) -> EventTable:
        """The same rows, moved by `frames`, in a clip of `num_frames`."""
        columns = {name: getattr(self, name) for name in COLUMNS} | {"frame": self.frame + frames}
        return EventTable.from_mapping(columns, num_frames, self.vocabulary)

    def mirrored(self) -> EventTable:
        """Left and right swapped: only the azimuth changes its sign."""
        return replace(self, azimuth=-self.azimuth)

    def rounded(self) -> EventTable:
        """Values with the precision of a DCASE CSV file: whole degrees and centimetres."""
        return replace(
            self,
            azimuth=np.rint(self.azimuth).astype(np.float32),
            distance=(np.rint(self.distance.astype(np.float64) * 100) / 100).astype(np.float32),
        )

    def same_as(self, other: EventTable, *, tolerance: float = 0.0) -> bool:
        """Whether both tables contain the same rows in any order; `tolerance` is in degrees and metres."""
        if (len(self), self.num_frames) != (len(other), other.num_frames):
            return False
        if self.vocabulary.difference(other.vocabulary):
            return False
        a, b = self.sorted(), other.sorted()
        exact = all(
            np.array_equal(getattr(a, name), getattr(b, name))
            for name in ("frame", "class_index", "source", "onscreen")
        )
        return exact and all(
            np.allclose(getattr(a, name), getattr(b, name), rtol=0, atol=tolerance, equal_nan=True)
            for name in ("azimuth", "distance", "score")
        )

    def events(self, max_gap: int = 0) -> list[SoundEvent]:
        """Group rows of one class and source into events, ordered by start, class and source.

        An event also ends where the azimuth changes between known and unknown (NaN), so that each event has an azimuth
        in all of its rows or in none.

        Args:
            max_gap: longest silence in frames that does not end an event.
        """
        return list(self.iter_events(max_gap))

    def iter_events(self, max_gap: int = 0) -> Iterator[SoundEvent]:
        """Like `events`, but one at a time, to save memory on long recordings."""
        table, first, stop = self.runs(max_gap)
        for run in np.lexsort((table.source[first], table.class_index[first], table.frame[first])):
            yield SoundEvent(table.select(slice(first[run], stop[run])))

    def runs(self, max_gap: int = 0) -> tuple[EventTable, NDArray[np.intp], NDArray[np.intp]]:
        """Rows sorted by class, source and frame, and the row range of each event.

        Args:
            max_gap: as for `events`.

        Returns:
            The sorted table, and two arrays (events,): the first row and the end row (exclusive) of each event.
        """
        table = self.select(np.lexsort((self.frame, self.source, self.class_index)))
        breaks = (np.diff(table.class_index) != 0) | (np.diff(table.source) != 0) | (np.diff(table.frame) > max_gap + 1)
        breaks |= np.diff(np.isnan(table.azimuth))
        first = np.flatnonzero(np.concatenate([np.ones(min(1, len(table)), np.bool_), breaks]))
        return table, first, np.append(first[1:], len(table))[: len(first)]

    def rows(self) -> Iterator[tuple[int, int, int, float, float, bool, float]]:
        """Rows as plain Python values, in column order."""
        return zip(*(getattr(self, name).tolist() for name in COLUMNS), strict=True)

    def _check(self) -> None:
        _refuse(self, (self.frame < 0) | (self.frame >= max(self.num_frames, 0)), "frame",
                f"frames must lie in 0..{self.num_frames - 1}")  # fmt: skip
        _refuse(self, (self.class_index < 0) | (self.class_index >= len(self.vocabulary)), "class_index",
                f"classes must lie in 0..{len(self.vocabulary) - 1}")  # fmt: skip
        _refuse(self, np.abs(self.azimuth) > 90, "azimuth", "azimuths must lie in -90..90 degrees")
        _refuse(self, (self.distance < 0) | np.isinf(self.distance), "distance",
                "distances must be finite and not negative")  # fmt: skip
        _refuse(self, ~((self.score >= 0) & (self.score <= 1)), "score", "scores must lie in 0..1")


@dataclass(frozen=True, slots=True, eq=False)
class SoundEvent:
    """One sound event: rows of a single class and source, in order of time.

    Attributes:
        table: the rows, frames strictly increasing.
        azimuth_interval: between which azimuths (degrees) the source is, with a probability of 90 % if the event is
            real; None if unknown.
        distance_interval: the same for its distance (metres).
    """

    table: EventTable
    azimuth_interval: tuple[float, float] | None = None
    distance_interval: tuple[float, float] | None = None

    @property
    def sound_class(self) -> SoundClass:
        """Class of the sound."""
        return self.table.vocabulary[int(self.table.class_index[0])]

    @property
    def source(self) -> int:
        """Number that distinguishes sources of one class."""
        return int(self.table.source[0])

    @property
    def start(self) -> float:
        """Start in seconds from the beginning of the clip."""
        return int(self.table.frame[0]) * FRAME_SECONDS

    @property
    def end(self) -> float:
        """End of the last frame in seconds from the beginning of the clip."""
        return (int(self.table.frame[-1]) + 1) * FRAME_SECONDS

    @property
    def azimuth(self) -> float:
        """Median azimuth in degrees, positive to the left; NaN if unknown."""
        return float(np.median(self.table.azimuth))

    @property
    def distance(self) -> float:
        """Median distance in metres."""
        return float(np.median(self.table.distance))

    @property
    def onscreen(self) -> bool:
        """Whether the source is on screen for at least half of the event."""
        return bool(self.table.onscreen.mean() >= 0.5)

    @property
    def score(self) -> float:
        """Mean confidence."""
        return float(self.table.score.mean())


def of_own_classes(table: EventTable) -> EventTable:
    """The events of the model's own classes, for formats that have room for them only."""
    own = own_classes(table.vocabulary)
    if own is table.vocabulary:
        return table
    kept = table.select(table.class_index < len(own))
    columns: dict[str, Any] = {name: getattr(kept, name) for name in COLUMNS}
    return EventTable.from_mapping(columns, table.num_frames, own)


def _column(name: str, values: ArrayLike, length: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim == 0:
        array = np.broadcast_to(array, (length,))
    if array.shape != (length,):
        raise LabelError(f"column '{name}' has shape {array.shape}, expected ({length},)")
    limit = 2**31 if name == "frame" else 2**15
    if issubclass(_DTYPES[name], np.integer) and not np.all((array >= -limit) & (array < limit)):  # False for NaN
        raise LabelError(f"column '{name}' holds NaN or values outside {-limit}..{limit - 1}")
    with np.errstate(over="ignore"):  # too large values become infinite and are rejected later
        column = np.array(array, dtype=_DTYPES[name])
    column.flags.writeable = False
    return column


def _refuse(table: EventTable, bad: NDArray[np.bool_], column: str, rule: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise LabelError(f"row {row}: {column} is {getattr(table, column)[row]}; {rule}")
