"""Reads and writes the DCASE2025 Task 3 CSV format, the only part of the program that uses centimetres.

Each clip has one file: the header `frame,class,source,azimuth,distance,onscreen`, then one row per source and 100-ms
frame. `LabelRows` keeps the exact values of a file, for scoring; `read_table` and `write_table` convert between files
and `EventTable` (metres, azimuth in [-90, 90]).
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
from earwitness.core.vocabulary import DCASE2025, Vocabulary

COLUMNS: Final = ("frame", "class", "source", "azimuth", "distance", "onscreen")
HEADER: Final = ",".join(COLUMNS)
CLIP_FRAMES: Final = 50
"""Frames of a DCASE2025 clip (5 s)."""
MAX_AZIMUTH_DEG: Final = 360
"""Azimuths up to a full turn are folded; larger ones count as damage."""
METRES_BELOW_CM: Final = 20
"""Labels with a smaller median distance contain metres instead of centimetres, since sources are rarely so near."""

_BOM: Final = b"\xef\xbb\xbf"
_LARGEST: Final = 2**31 - 1
_WHOLE: Final = (0, 1, 2, 5)
"""Columns that must be whole numbers; azimuth and distance may carry decimals, as the official scorer allows."""
_KEY_WEIGHTS: Final = np.array([1_000_003, 8_191, 524_287, 131_071, 31, 7], dtype=np.int64)
"""Weights of the columns in the keys of rows, by which usual rows differ."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelRows:
    """The unconverted rows of one CSV file, or of several concatenated ones.

    Attributes:
        values: (n, 6) float64: frame, class, source, azimuth (degrees, not folded), distance (cm), onscreen (0 or 1).
        vocabulary: the classes that the indices refer to.
    """

    values: NDArray[np.float64]
    vocabulary: Vocabulary = DCASE2025

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def frame(self) -> NDArray[np.int64]:
        """(n,) 100-ms frame."""
        return self.values[:, 0].astype(np.int64)

    @property
    def class_index(self) -> NDArray[np.int64]:
        """(n,) index of the class."""
        return self.values[:, 1].astype(np.int64)

    @property
    def source(self) -> NDArray[np.int64]:
        """(n,) source number."""
        return self.values[:, 2].astype(np.int64)

    @property
    def azimuth(self) -> NDArray[np.float64]:
        """(n,) degrees, not folded: may lie outside [-90, 90]."""
        return np.ascontiguousarray(self.values[:, 3])

    @property
    def distance_cm(self) -> NDArray[np.float64]:
        """(n,) centimetres."""
        return np.ascontiguousarray(self.values[:, 4])

    @property
    def onscreen(self) -> NDArray[np.bool_]:
        """(n,) whether the source is on screen."""
        return np.asarray(self.values[:, 5] != 0)

    @classmethod
    def empty(cls, vocabulary: Vocabulary = DCASE2025) -> LabelRows:
        """No rows, for a clip without events."""
        return cls(np.zeros((0, 6)), vocabulary)

    @classmethod
    def concatenate(cls, parts: Iterable[LabelRows]) -> LabelRows:
        """The rows of all `parts`, in order.

        Raises:
            LabelError: they refer to different classes.
        """
        parts = list(parts)
        for part in parts:
            if difference := part.vocabulary.difference(parts[0].vocabulary):
                raise LabelError(f"labels of different classes cannot be joined: {difference}")
        return cls(np.concatenate([part.values for part in parts]), parts[0].vocabulary) if parts else cls.empty()

    @classmethod
    def from_table(cls, table: EventTable) -> LabelRows:
        """The rows that `write_table` writes: whole degrees and centimetres, in the order of the table.

        Raises:
            LabelError: a row has no azimuth or no distance (NaN), which the format cannot represent.
        """
        for name in ("azimuth", "distance"):
            unknown = np.flatnonzero(np.isnan(getattr(table, name)))
            if unknown.size:
                raise LabelError(
                    f"row {unknown[0]} has no {name} (NaN), which DCASE CSV cannot represent: fill in a value, "
                    "or remove such rows"
                )
        columns = (
            table.frame, table.class_index, table.source, np.rint(table.azimuth),
            np.rint(table.distance.astype(np.float64) * 100), table.onscreen,
        )  # fmt: skip
        values = np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
        return cls(values, table.vocabulary)

    def to_table(self, num_frames: int = CLIP_FRAMES) -> EventTable:
        """Convert to a table: metres, azimuth folded into [-90, 90], a separate number for each source.

        Raises:
            LabelError: a frame at or after `num_frames`, or more than 100 rows of one frame, class and source.
        """
        source = self.source
        if len(self) and source.max() > np.iinfo(np.int16).max:  # only equality of numbers has a meaning
            source = np.unique(source, return_inverse=True)[1].astype(np.int64)
        return separate_sources(
            EventTable.from_mapping(
                {
                    "frame": self.frame,
                    "class_index": self.class_index,
                    "source": source,
                    "azimuth": fold(self.azimuth),
                    "distance": self.distance_cm / 100,
                    "onscreen": self.onscreen,
                    "score": 1.0,
                },
                num_frames,
                self.vocabulary,
            )
        )


def read_rows(
    path: Path | str, *, num_frames: int | None = None, unique: bool = False, vocabulary: Vocabulary = DCASE2025
) -> LabelRows:
    """Read one file without conversion. A BOM, CRLF, blank lines and an empty file (no events) are accepted.

    Args:
        path: the file.
        num_frames: reject frames at or after this one; None accepts clips of up to a week.
        unique: reject a row that equals an earlier one in all six values.
        vocabulary: the classes that the indices refer to; other indices are rejected.

    Raises:
        LabelError: the file cannot be read or is malformed; the message names file, line and problem.
    """
    data = read_bytes(path, TABLE_BYTES, LabelError)
    values = _parse_plain(data)
    lines = None
    if values is None:
        values, lines = _parse_lines(data, path)
    _check_values(LabelRows(values, vocabulary), lines, path, num_frames, unique)
    return LabelRows(values, vocabulary)


def read_table(path: Path | str, num_frames: int = CLIP_FRAMES, vocabulary: Vocabulary = DCASE2025) -> EventTable:
    """Read one file as events: metres, azimuth folded into [-90, 90]; arguments as for `read_rows`.

    Raises:
        LabelError: as `read_rows`, or a frame is at or after `num_frames`, or a row is repeated.
    """
    rows = read_rows(path, num_frames=num_frames, unique=True, vocabulary=vocabulary)
    try:
        return rows.to_table(num_frames)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from None


def are_metres(distances: NDArray[np.float64]) -> bool:
    """Whether distances are metres instead of centimetres, as SpatialScaper writes them (2.676, or rounded, 3).

    Args:
        distances: unconverted distances of one or more files; NaN if unknown.
    """
    known = distances[~np.isnan(distances)]
    return bool(known.size) and bool(np.median(known) < METRES_BELOW_CM)


def write_table(path: Path | str, table: EventTable) -> None:
    """Write one file: always with header, whole degrees and centimetres, rows sorted by frame, class and source.

    The file is written atomically; missing parent folders are created.

    Raises:
        LabelError: a row has no azimuth or no distance.
        EncodingError: the file cannot be written.
    """
    rows = LabelRows.from_table(table.sorted()).values.astype(np.int64).tolist()
    text = "\n".join([HEADER, *(",".join(map(str, row)) for row in rows), ""])
    with atomic_file(Path(path)) as temporary:
        temporary.write_bytes(text.encode())


def _parse_plain(data: bytes) -> NDArray[np.float64] | None:
    """Fast parser for usual files: the exact header, then whole numbers only. None for any other file."""
    data = data.removeprefix(_BOM).replace(b"\r\n", b"\n")
    header, _, body = data.partition(b"\n")
    if header != HEADER.encode():
        return None
    if body and not body.endswith(b"\n"):
        body += b"\n"
    rows = body.count(b"\n")
    # Without its digits, a valid file has five commas per line; "-" without digits would be parsed as 0.
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


def _parse_lines(data: bytes, path: Path | str) -> tuple[NDArray[np.float64], list[int]]:
    """Slow parser with error messages, tolerant of harmless deviations; also returns the line number of each row."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LabelError(f"{path}: is not UTF-8 text, so it is not a DCASE CSV file") from None
    content = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not content:
        return np.zeros((0, 6)), []
    number, header = content[0]
    if [name.strip().lower() for name in header.split(",")] != list(COLUMNS):
        _reject(
            path, number, f"the first line must be the header '{HEADER}', but it is '{shortened(header.strip(), 60)}'"
        )
    rows = [_parse_row(line, path, number) for number, line in content[1:]]
    return np.array(rows, dtype=np.float64).reshape(-1, 6), [number for number, _ in content[1:]]


def _parse_row(line: str, path: Path | str, number: int) -> list[float]:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != len(COLUMNS):
        _reject(path, number, f"has {len(fields)} values instead of {len(COLUMNS)} ({HEADER})")
    row: list[float] = []
    for index, (name, field) in enumerate(zip(COLUMNS, fields, strict=True)):
        shown = shortened(field, 40)
        try:
            value = _number(field)
        except ValueError:
            what = (
                f"is '{shortened(field, 40)}', which is not a number"
                if field
                else "is empty; a row without it cannot be scored"
            )
            _reject(path, number, f"{name} {what}")
        if not abs(value) <= _LARGEST:
            _reject(path, number, f"{name} is '{shown}', which is out of range")
        if index in _WHOLE and value != int(value):
            _reject(path, number, f"{name} is '{shown}', which is not a whole number")
        row.append(value)
    return row


def _number(field: str) -> float:
    """Parse a number in ASCII digits; Python's float also accepts 1_000 and the digits of other scripts."""
    if not field.isascii() or "_" in field:
        raise ValueError(field)
    return float(field)


def _check_values(
    rows: LabelRows, lines: list[int] | None, path: Path | str, num_frames: int | None, unique: bool
) -> None:
    values = rows.values
    if not len(values):
        return
    last_frame = MOST_FRAMES - 1 if num_frames is None else num_frames - 1
    limits = (last_frame, len(rows.vocabulary) - 1, _LARGEST, MAX_AZIMUTH_DEG, _LARGEST, 1)
    lowest = (0, 0, 0, -MAX_AZIMUTH_DEG, 0, 0)
    if (values.max(axis=0) > limits).any() or (values.min(axis=0) < lowest).any():
        row, column = (int(index) for index in np.argwhere((values > limits) | (values < lowest))[0])
        value, low, high = values[row, column], lowest[column], limits[column]
        rule = "must not be negative" if high == _LARGEST and value < 0 else f"must lie in {low}..{high}"
        hint = "; for longer clips, set the number of frames" if column == 0 < value and num_frames else ""
        if column == 1 < value:
            hint = f", the classes of '{rows.vocabulary.name}'"
        _reject(path, _line(lines, row), f"{COLUMNS[column]} is {value:g}; it {rule}{hint}")
    if unique and (repeated := _repeated_row(values)):
        row, earlier = repeated
        _reject(path, _line(lines, row), f"repeats line {_line(lines, earlier)}; was the file written twice?")


def _repeated_row(values: NDArray[np.float64]) -> tuple[int, int] | None:
    """The first row that equals an earlier one, and that one."""
    keys = np.sort(values.astype(np.int64) @ _KEY_WEIGHTS)  # equal rows have equal keys
    if (keys[1:] != keys[:-1]).all():
        return None
    whole_rows = np.ascontiguousarray(values + 0.0).view("V48").ravel()
    _, first, inverse = np.unique(whole_rows, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(values)))
    return (int(again[0]), int(first[inverse[again[0]]])) if again.size else None


def _line(lines: list[int] | None, row: int) -> int:
    """Line number of a row; without `lines`, rows follow the header without gaps."""
    return row + 2 if lines is None else lines[row]


def _reject(path: Path | str, line: int, what: str) -> NoReturn:
    raise LabelError(f"{path}, line {line}: {what}")
