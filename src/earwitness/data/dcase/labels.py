"""The DCASE2025 Task 3 CSV format, the only place in the program where centimetres exist.

One file a clip: the header `frame,class,source,azimuth,distance,onscreen`, then one row a source and 100-ms frame.
`LabelRows` keeps what a file says, digit for digit, for scoring; `read_table` and `write_table` translate between the
files and `EventTable` (metres, azimuth in [-90, 90]).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import LabelError, shortened
from earwitness.core.events import MOST_FRAMES, EventTable
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import TABLE_BYTES, read_bytes
from earwitness.core.geometry import fold
from earwitness.core.source_numbers import separate_sources
from earwitness.core.vocabulary import NUM_CLASSES

COLUMNS: Final = ("frame", "class", "source", "azimuth", "distance", "onscreen")
HEADER: Final = ",".join(COLUMNS)
CLIP_FRAMES: Final = 50
"""Frames of a DCASE2025 clip (5 s)."""
MAX_AZIMUTH_DEG: Final = 360
"""Azimuths beyond a full turn are taken for damage; those up to it are folded."""
METRES_BELOW_CM: Final = 20
"""Labels whose median distance is below this hold metres where centimetres belong: sources are rarely so near."""

_BOM: Final = b"\xef\xbb\xbf"
_LARGEST: Final = 2**31 - 1
_WHOLE: Final = (0, 1, 2, 5)
"""Columns that must be whole numbers; azimuth and distance may carry decimals, as the official scorer allows."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelRows:
    """The rows of one CSV file, or of several in sequence, as they stand there.

    Attributes:
        values: (n, 6) float64: frame, class, source, azimuth (degrees, as written, not folded), distance (cm),
            onscreen (0 or 1).
    """

    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def frame(self) -> NDArray[np.int64]:
        """(n,) 100-ms frame."""
        return self.values[:, 0].astype(np.int64)

    @property
    def class_index(self) -> NDArray[np.int64]:
        """(n,) class, 0..12."""
        return self.values[:, 1].astype(np.int64)

    @property
    def source(self) -> NDArray[np.int64]:
        """(n,) source number."""
        return self.values[:, 2].astype(np.int64)

    @property
    def azimuth(self) -> NDArray[np.float64]:
        """(n,) degrees as written: may lie outside [-90, 90]."""
        return np.ascontiguousarray(self.values[:, 3])

    @property
    def distance_cm(self) -> NDArray[np.float64]:
        """(n,) centimetres."""
        return np.ascontiguousarray(self.values[:, 4])

    @property
    def onscreen(self) -> NDArray[np.bool_]:
        """(n,) whether the source is in the picture."""
        return np.asarray(self.values[:, 5] != 0)

    @classmethod
    def empty(cls) -> LabelRows:
        """A clip in which nothing sounds."""
        return cls(np.zeros((0, 6)))

    @classmethod
    def concatenate(cls, parts: Iterable[LabelRows]) -> LabelRows:
        """The rows of all `parts`, one after the other."""
        values = [part.values for part in parts]
        return cls(np.concatenate(values)) if values else cls.empty()

    @classmethod
    def from_table(cls, table: EventTable) -> LabelRows:
        """The rows that `write_table` would write: whole degrees and whole centimetres, in the table's order.

        Raises:
            LabelError: a row has no direction or no distance (NaN), which the format cannot say.
        """
        for name in ("azimuth", "distance"):
            unknown = np.flatnonzero(np.isnan(getattr(table, name)))
            if unknown.size:
                raise LabelError(
                    f"row {unknown[0]} has no {name} (NaN), which DCASE CSV cannot say: fill in a value, "
                    "or leave such rows out"
                )
        columns = (
            table.frame, table.class_index, table.source, np.rint(table.azimuth),
            np.rint(table.distance.astype(np.float64) * 100), table.onscreen,
        )  # fmt: skip
        return cls(np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1))

    def to_table(self, num_frames: int = CLIP_FRAMES) -> EventTable:
        """The same rows in metres, azimuth folded into [-90, 90]; each source with a number of its own.

        Raises:
            LabelError: a frame at or after `num_frames`, or a frame with a hundred sources of one number.
        """
        source = self.source
        if len(self) and source.max() > np.iinfo(np.int16).max:  # numbers mean nothing but which are the same
            source = np.unique(source, return_inverse=True)[1].astype(np.int64)
        return separate_sources(
            EventTable.from_columns(
                frame=self.frame,
                class_index=self.class_index,
                source=source,
                azimuth=fold(self.azimuth),
                distance=self.distance_cm / 100,
                onscreen=self.onscreen,
                num_frames=num_frames,
            )
        )


def read_rows(path: Path | str, *, num_frames: int | None = None, unique: bool = False) -> LabelRows:
    """Read one file as it stands. BOM, CRLF, blank lines and a file of no bytes (nothing sounds) are understood.

    Args:
        num_frames: refuse frames at or after this one; None accepts clips of up to a week.
        unique: refuse a row that repeats an earlier one in all six values.

    Raises:
        LabelError: the file cannot be read or breaks the format; names file, line and what is wrong.
    """
    path = Path(path)
    data = read_bytes(path, TABLE_BYTES, LabelError)
    values = _parse_plain(data)
    lines = None
    if values is None:
        values, lines = _parse_lines(data, path)
    _check_values(values, lines, path, num_frames, unique)
    return LabelRows(values)


def read_table(path: Path | str, num_frames: int = CLIP_FRAMES) -> EventTable:
    """Read one file as events: metres, azimuth folded into [-90, 90].

    Raises:
        LabelError: as `read_rows`; also for a frame at or after `num_frames`, and for a row that repeats another.
    """
    rows = read_rows(path, num_frames=num_frames, unique=True)
    try:
        return rows.to_table(num_frames)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from None


def are_metres(distances: NDArray[np.float64]) -> bool:
    """Whether distances that should be centimetres are metres, as SpatialScaper writes them (2.676, or rounded, 3).

    Args:
        distances: as written, of a file or of many; NaN where there is none.
    """
    known = distances[~np.isnan(distances)]
    return bool(known.size) and bool(np.median(known) < METRES_BELOW_CM)


def write_table(path: Path | str, table: EventTable) -> None:
    """Write one file: header always, whole degrees and centimetres, rows by frame, class and source.

    The file appears complete or not at all; folders above it are made.

    Raises:
        LabelError: a row has no direction or no distance.
        EncodingError: the file cannot be written.
    """
    rows = LabelRows.from_table(table.sorted()).values.astype(np.int64).tolist()
    text = "\n".join([HEADER, *(",".join(map(str, row)) for row in rows), ""])
    with atomic_file(Path(path)) as temporary:
        temporary.write_bytes(text.encode())


def _parse_plain(data: bytes) -> NDArray[np.float64] | None:
    """Parse what almost every file is: the exact header, then whole numbers. None if this file is anything else."""
    data = data.removeprefix(_BOM).replace(b"\r\n", b"\n")
    header, _, body = data.partition(b"\n")
    if header != HEADER.encode():
        return None
    if body and not body.endswith(b"\n"):
        body += b"\n"
    rows = body.count(b"\n")
    # What is left of a sound file without its digits is five commas a line; "-" alone would be read as 0.
    if body.translate(None, b"0123456789-") != b",,,,,\n" * rows:
        return None
    flat = body.replace(b"\n", b",")
    if b"-," in flat:
        return None
    try:
        numbers = np.fromstring(flat, dtype=np.int64, sep=",")
    except ValueError:
        return None
    return numbers.reshape(-1, 6).astype(np.float64) if numbers.size == 6 * rows else None


def _parse_lines(data: bytes, path: Path) -> tuple[NDArray[np.float64], list[int]]:
    """Parse line by line, slowly: tolerates what is harmless and names what is not; also the line of each row."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LabelError(f"{path}: is not text, so it is not a DCASE CSV file") from None
    content = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not content:
        return np.zeros((0, 6)), []
    number, header = content[0]
    if [name.strip().lower() for name in header.split(",")] != list(COLUMNS):
        _refuse(
            path, number, f"the first line must be the header '{HEADER}', but it is '{shortened(header.strip(), 60)}'"
        )
    rows = [_parse_row(line, path, number) for number, line in content[1:]]
    return np.array(rows, dtype=np.float64).reshape(-1, 6), [number for number, _ in content[1:]]


def _parse_row(line: str, path: Path, number: int) -> list[float]:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != len(COLUMNS):
        _refuse(path, number, f"has {len(fields)} values instead of {len(COLUMNS)} ({HEADER})")
    row: list[float] = []
    for index, (name, field) in enumerate(zip(COLUMNS, fields, strict=True)):
        shown = shortened(field, 40)
        try:
            value = _number(field)
        except ValueError:
            what = (
                f"is '{shortened(field, 40)}', which is not a number"
                if field
                else "is empty; a sound without it cannot be scored"
            )
            _refuse(path, number, f"{name} {what}")
        if not abs(value) <= _LARGEST:
            _refuse(path, number, f"{name} is '{shown}', which is out of range")
        if index in _WHOLE and value != int(value):
            _refuse(path, number, f"{name} is '{shown}', which is not a whole number")
        row.append(value)
    return row


def _number(field: str) -> float:
    """A number in the usual digits; Python itself would also take 1_000 and the digits of other scripts."""
    if not field.isascii() or "_" in field:
        raise ValueError(field)
    return float(field)


def _check_values(
    values: NDArray[np.float64], lines: list[int] | None, path: Path, num_frames: int | None, unique: bool
) -> None:
    if not len(values):
        return
    last_frame = MOST_FRAMES - 1 if num_frames is None else num_frames - 1
    limits = (last_frame, NUM_CLASSES - 1, _LARGEST, MAX_AZIMUTH_DEG, _LARGEST, 1)
    lowest = (0, 0, 0, -MAX_AZIMUTH_DEG, 0, 0)
    if (values.max(axis=0) > limits).any() or (values.min(axis=0) < lowest).any():
        row, column = (int(index) for index in np.argwhere((values > limits) | (values < lowest))[0])
        value, low, high = values[row, column], lowest[column], limits[column]
        rule = "must not be negative" if high == _LARGEST and value < 0 else f"must lie in {low}..{high}"
        hint = "; for longer clips give the number of frames" if column == 0 < value and num_frames else ""
        _refuse(path, _line(lines, row), f"{COLUMNS[column]} is {value:g}; it {rule}{hint}")
    if unique:
        whole_rows = np.ascontiguousarray(values + 0.0).view("V48").ravel()
        _, first, inverse = np.unique(whole_rows, return_index=True, return_inverse=True)
        again = np.flatnonzero(first[inverse] != np.arange(len(values)))
        if again.size:
            row = int(again[0])
            earlier = _line(lines, int(first[inverse[row]]))
            _refuse(path, _line(lines, row), f"repeats line {earlier}; was the file written twice?")


def _line(lines: list[int] | None, row: int) -> int:
    """Line of a row; in a plain file the rows follow the header without gaps."""
    return row + 2 if lines is None else lines[row]


def _refuse(path: Path, line: int, what: str) -> NoReturn:
    raise LabelError(f"{path}, line {line}: {what}")
