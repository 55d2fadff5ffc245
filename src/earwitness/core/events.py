"""The one data structure that flows through the program: a columnar table of sound events at 10 frames a second.

Units inside the program: frames of 100 ms, degrees (positive to the left), metres; centimetres in DCASE CSV.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import LabelError
from earwitness.core.vocabulary import CLASSES, NUM_CLASSES, SoundClass

FRAME_RATE: Final = 10
"""Label frames per second."""
FRAME_SECONDS: Final = 1.0 / FRAME_RATE
MOST_FRAMES: Final = 7 * 24 * 3600 * FRAME_RATE
"""A week: labels beyond it are damaged."""

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


@dataclass(frozen=True, slots=True, eq=False)
class EventTable:
    """Rows of (frame, class, source, azimuth, distance, onscreen, score); immutable, one row a source and frame.

    Attributes:
        frame: (n,) int32, 100-ms frame, 0 <= frame < num_frames.
        class_index: (n,) int16, 0..12.
        source: (n,) int16, tells same-class sources apart; stays with a source over time.
        azimuth: (n,) float32, degrees in [-90, 90], positive to the left; NaN where the sound carries no direction.
        distance: (n,) float32, metres, not negative; NaN where unknown.
        onscreen: (n,) bool.
        score: (n,) float32 in [0, 1]; 1 in references.
        num_frames: length of the clip, in frames; a clip may be longer than its last event.
    """

    frame: NDArray[np.int32]
    class_index: NDArray[np.int16]
    source: NDArray[np.int16]
    azimuth: NDArray[np.float32]
    distance: NDArray[np.float32]
    onscreen: NDArray[np.bool_]
    score: NDArray[np.float32]
    num_frames: int

    @classmethod
    def from_columns(
        cls,
        *,
        frame: ArrayLike,
        class_index: ArrayLike,
        azimuth: ArrayLike,
        distance: ArrayLike,
        source: ArrayLike = 0,
        onscreen: ArrayLike = False,
        score: ArrayLike = 1.0,
        num_frames: int | None = None,
    ) -> EventTable:
        """Build and check a table; scalars are repeated to the length of `frame`.

        Args:
            num_frames: length of the clip; by default just past the last row.

        Raises:
            LabelError: columns of different lengths, or a value out of range (says which row).
        """
        given = {
            "frame": frame, "class_index": class_index, "source": source, "azimuth": azimuth,
            "distance": distance, "onscreen": onscreen, "score": score,
        }  # fmt: skip
        length = np.atleast_1d(np.asarray(frame)).size
        columns = {name: _column(name, values, length) for name, values in given.items()}
        if num_frames is None:
            num_frames = int(columns["frame"].max()) + 1 if length else 0
        table = cls(**columns, num_frames=int(num_frames))
        table._check()
        return table

    @classmethod
    def empty(cls, num_frames: int = 0) -> EventTable:
        """A clip in which nothing sounds."""
        return cls.from_columns(frame=[], class_index=[], azimuth=[], distance=[], num_frames=num_frames)

    @classmethod
    def concatenate(cls, tables: Iterable[EventTable], num_frames: int | None = None) -> EventTable:
        """All rows of `tables`, on one time axis, sorted by frame, class and source."""
        tables = list(tables)
        if not tables:
            return cls.empty(num_frames or 0)
        columns: dict[str, Any] = {name: np.concatenate([getattr(table, name) for table in tables]) for name in COLUMNS}
        if num_frames is None:
            num_frames = max(table.num_frames for table in tables)
        return cls.from_columns(**columns, num_frames=num_frames).sorted()

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.frame.size)

    @property
    def duration(self) -> float:
        """Length of the clip in seconds."""
        return self.num_frames * FRAME_SECONDS

    def select(self, rows: NDArray[Any] | slice) -> EventTable:
        """Rows picked by a boolean mask, by indices, or without a copy by a slice."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def sorted(self) -> EventTable:
        """Rows in order of frame, class, source."""
        return self.select(np.lexsort((self.source, self.class_index, self.frame)))

    def with_columns(self, **columns: ArrayLike) -> EventTable:
        """A checked copy with some columns replaced."""
        given: dict[str, Any] = {name: columns.get(name, getattr(self, name)) for name in COLUMNS}
        return EventTable.from_columns(**given, num_frames=self.num_frames)

    def window(self, start: int, stop: int) -> EventTable:
        """Rows with start <= frame < stop, on a time axis that begins at `start`."""
        part = self.select((self.frame >= start) & (self.frame < stop))
        return replace(part, frame=(part.frame - start).astype(np.int32), num_frames=stop - start)

    def shifted(self, frames: int, num_frames: int) -> EventTable:
        """The same rows `frames` later, in a clip of `num_frames`."""
        return EventTable.from_columns(
            **{name: getattr(self, name) for name in COLUMNS if name != "frame"},
            frame=self.frame + frames,
            num_frames=num_frames,
        )

    def mirrored(self) -> EventTable:
        """Left and right swapped: azimuth changes sign, everything else stays."""
        return replace(self, azimuth=-self.azimuth)

    def rounded(self) -> EventTable:
        """Values as a DCASE CSV keeps them: whole degrees and whole centimetres."""
        return replace(
            self,
            azimuth=np.rint(self.azimuth).astype(np.float32),
            distance=(np.rint(self.distance.astype(np.float64) * 100) / 100).astype(np.float32),
        )

    def same_as(self, other: EventTable, *, tolerance: float = 0.0) -> bool:
        """Whether both tables hold the same rows, in any order, up to `tolerance` in degrees and metres."""
        if len(self) != len(other) or self.num_frames != other.num_frames:
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
        """Runs in time of one class and source, ordered by start, class and source.

        A run also ends where directions begin or end to be known (NaN), so that every event has one or has none.

        Args:
            max_gap: frames of silence that do not yet end an event.
        """
        return list(self.iter_events(max_gap))

    def iter_events(self, max_gap: int = 0) -> Iterator[SoundEvent]:
        """As `events`, one after the other: those of hours need not be held at once."""
        table, first, stop = self.runs(max_gap)
        for run in np.lexsort((table.source[first], table.class_index[first], table.frame[first])):
            yield SoundEvent(table.select(slice(first[run], stop[run])))

    def runs(self, max_gap: int = 0) -> tuple[EventTable, NDArray[np.intp], NDArray[np.intp]]:
        """The rows in order of class, source and frame, and where in them each event begins and ends.

        Args:
            max_gap: as for `events`.

        Returns:
            The table, and (events,) first rows and rows after the last.
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
        _refuse(self, (self.class_index < 0) | (self.class_index >= NUM_CLASSES), "class_index",
                f"classes must lie in 0..{NUM_CLASSES - 1}")  # fmt: skip
        _refuse(self, np.abs(self.azimuth) > 90, "azimuth", "azimuths must lie in -90..90 degrees")
        _refuse(self, (self.distance < 0) | np.isinf(self.distance), "distance",
                "distances must be finite and not negative")  # fmt: skip
        _refuse(self, ~((self.score >= 0) & (self.score <= 1)), "score", "scores must lie in 0..1")


@dataclass(frozen=True, slots=True, eq=False)
class SoundEvent:
    """One sound from its start to its end: rows of a single class and source, in time order.

    Attributes:
        table: the rows, frames strictly increasing.
    """

    table: EventTable

    @property
    def sound_class(self) -> SoundClass:
        """What sounds."""
        return CLASSES[int(self.table.class_index[0])]

    @property
    def source(self) -> int:
        """Number that tells same-class sources apart."""
        return int(self.table.source[0])

    @property
    def start(self) -> float:
        """Seconds from the beginning of the clip."""
        return int(self.table.frame[0]) * FRAME_SECONDS

    @property
    def end(self) -> float:
        """Seconds from the beginning of the clip; the event's last frame ends here."""
        return (int(self.table.frame[-1]) + 1) * FRAME_SECONDS

    @property
    def azimuth(self) -> float:
        """Median direction, degrees, positive to the left; NaN without direction."""
        return float(np.median(self.table.azimuth))

    @property
    def distance(self) -> float:
        """Median distance, metres."""
        return float(np.median(self.table.distance))

    @property
    def onscreen(self) -> bool:
        """Whether the source is in the picture for at least half of the event."""
        return bool(self.table.onscreen.mean() >= 0.5)

    @property
    def score(self) -> float:
        """Mean confidence."""
        return float(self.table.score.mean())


def _column(name: str, values: ArrayLike, length: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim == 0:
        array = np.broadcast_to(array, (length,))
    if array.shape != (length,):
        raise LabelError(f"column '{name}' has shape {array.shape}, expected ({length},)")
    limit = 2**31 if name == "frame" else 2**15
    if issubclass(_DTYPES[name], np.integer) and not np.all((array >= -limit) & (array < limit)):  # NaN is not either
        raise LabelError(f"column '{name}' holds values beyond {-limit}..{limit - 1}, or none")
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused as such
        column = np.array(array, dtype=_DTYPES[name])
    column.flags.writeable = False
    return column


def _refuse(table: EventTable, bad: NDArray[np.bool_], column: str, rule: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise LabelError(f"row {row}: {column} is {getattr(table, column)[row]}; {rule}")
