"""Append-only files of token maps with an index; all complete entries stay readable after an interrupted run.

A part consists of two files. `NAME.bin` holds the token maps one after another: times (T,) float64, azimuth and
elevation (P,) float32, tokens (T, P, D) float16; each map starts at a multiple of 64 bytes. `NAME.jsonl` has a line per
map, which is written after the map.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self, TextIO

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError
from earwitness.encoders.protocol import Modality, TokenMap

_ALIGNMENT: Final = 64
_HEADER_ITEMS: Final = ("<f8", "<f4", "<f4")


@dataclass(frozen=True, slots=True)
class Record:
    """Location of a token map.

    Attributes:
        clip: split and name within the data set.
        swapped: whether left and right were swapped before encoding.
        content: sha256 of the file that was encoded.
        part: name of the part.
        offset: start of the map in the part, bytes.
        shape: (T, P, D).
    """

    clip: str
    swapped: bool
    content: str
    part: str
    offset: int
    shape: tuple[int, int, int]

    @property
    def size(self) -> int:
        """Size of the map in bytes."""
        steps, positions, dim = self.shape
        return 8 * steps + 8 * positions + 2 * steps * positions * dim


class PartWriter:
    """Appends to a part; each process has its own."""

    def __init__(self, folder: Path, name: str, data: BinaryIO, index: TextIO) -> None:
        self.folder, self.name = folder, name
        self._data, self._index = data, index

    @classmethod
    def open(cls, folder: Path, run: int) -> Self:
        """Create a part of run number `run`; if several runs have a clip, the latest takes precedence.

        Raises:
            EncoderError: the folder cannot be written.
        """
        number = 0
        while True:
            name = f"run{run:05d}-{number:03d}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                index = (folder / f"{name}.jsonl").open("x", encoding="utf-8")
                return cls(folder, name, (folder / f"{name}.bin").open("wb"), index)
            except FileExistsError:  # another process of this run created it
                number += 1
            except OSError as error:
                raise EncoderError(f"{folder}: cannot be written ({error.strerror or error})") from error

    def add(self, clip: str, swapped: bool, content: str, tokens: TokenMap) -> Record:
        """Append a map; once this returns, later runs find it.

        Raises:
            EncoderError: the tokens are too large for float16, or the disk is full.
        """
        with np.errstate(over="ignore"):
            half = tokens.tokens.astype("<f2")
        if not np.isfinite(half).all():
            raise EncoderError(
                f"{clip}: tokens are not finite or exceed 65504, the range of float16; use another encoder"
            )
        offset = -(-self._data.tell() // _ALIGNMENT) * _ALIGNMENT
        arrays = (*zip(_HEADER_ITEMS, (tokens.times, tokens.azimuth, tokens.elevation), strict=True), ("<f2", half))
        steps, positions, dim = half.shape
        record = Record(clip, swapped, content, self.name, offset, (steps, positions, dim))
        try:
            self._data.write(b"\0" * (offset - self._data.tell()))
            for kind, array in arrays:
                self._data.write(np.ascontiguousarray(array, dtype=kind).tobytes())
            self._data.flush()
            self._index.write(json.dumps(asdict(record)) + "\n")
            self._index.flush()
        except OSError as error:
            raise EncoderError(f"{self.folder}: cannot be written ({error.strerror or error})") from error
        return record

    def close(self) -> None:
        """Close both files; an empty part is removed."""
        empty = self._data.tell() == 0
        self._data.close()
        self._index.close()
        if empty:
            for suffix in (".bin", ".jsonl"):
                (self.folder / f"{self.name}{suffix}").unlink(missing_ok=True)


def next_run(folder: Path) -> int:
    """One more than the highest run number in the folder."""
    runs = (path.name[3:8] for path in folder.glob("run*-*.jsonl"))
    return max((int(run) for run in runs if run.isdigit()), default=0) + 1


def read_records(folder: Path) -> Iterator[Record]:
    """Records of all complete maps, later runs after earlier ones."""
    for path in sorted(folder.glob("run*-*.jsonl")):
        data = path.with_suffix(".bin")
        length = data.stat().st_size if data.is_file() else 0
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                record = _record(line)
                if record is not None and record.part == path.stem and record.offset + record.size <= length:
                    yield record


def _record(line: str) -> Record | None:
    """The record in a line; None for an incomplete line, which an interrupted run can leave."""
    try:
        fields = json.loads(line)
        steps, positions, dim = (int(length) for length in fields.pop("shape"))
        record = Record(**fields, shape=(steps, positions, dim))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    numbers = (record.offset, steps, positions, dim)
    texts = (record.clip, record.content, record.part)
    sound = all(type(one) is int and one >= 0 for one in numbers) and all(isinstance(one, str) for one in texts)
    return record if sound and isinstance(record.swapped, bool) else None


def map_at(data: NDArray[np.uint8], record: Record, modality: Modality) -> TokenMap:
    """The token map of a record from the bytes of its part; tokens are a view and are read from disk when used."""
    steps, positions, dim = record.shape
    cursor = record.offset
    header: list[NDArray[np.floating]] = []
    for kind, count in zip(_HEADER_ITEMS, (steps, positions, positions), strict=True):
        end = cursor + count * int(kind[-1])
        header.append(np.array(data[cursor:end]).view(kind))
        cursor = end
    tokens = data[cursor : cursor + 2 * steps * positions * dim].view("<f2").reshape(record.shape)
    times, azimuth, elevation = header
    return TokenMap(
        tokens, times.astype(np.float64), azimuth.astype(np.float32), elevation.astype(np.float32), modality
    )
