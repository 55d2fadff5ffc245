"""What the header of a WAV file says: whether its samples are plain, and how long they last.

Files of plain samples need not be searched for other codecs: that takes longer than reading them. And FFmpeg gives the
length of what is there, so that a file that was cut short looks whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

_LOOKED_AT: Final = 2**16
_KINDS: Final = (b"RIFF", b"RF64", b"BW64")
_PLAIN: Final = (1, 3)
"""Format tags of whole numbers and floats."""
_EXTENSIBLE: Final = 0xFFFE
_WRAPPED: Final = tuple(
    bytes.fromhex(text) for text in ("1fffe800", "ff1f00e8", "7ffe8001", "fe7f0180", "f8724e1f", "72f81f4e")
)
"""What DTS (ETSI TS 102 114) and IEC 61937 begin their frames with: some discs hide them so."""

_FIRST_CHUNK: Final = 12
_MOST_CHUNKS: Final = 1000
_UNKNOWN: Final = 2**32 - 1
"""Size of samples that were piped, or whose true size stands in a chunk of its own (RF64, EBU Tech 3306)."""


def is_plain_wave(path: Path) -> bool:
    """Whether a file is a WAV file whose header says everything about its samples."""
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if start[:4] not in _KINDS or start[8:12] != b"WAVE":
        return False
    return _format_tag(start) in _PLAIN and not any(mark in start for mark in _WRAPPED)


def declared_seconds(path: Path) -> Fraction | None:
    """How long the samples of a WAV file last by its header; None where it does not say, as after a pipe."""
    with path.open("rb") as file:
        start = file.read(_FIRST_CHUNK)
        if start[:4] not in _KINDS or start[8:] != b"WAVE":
            return None
        bytes_a_second = true_size = 0
        for name, size in islice(_chunks(file), _MOST_CHUNKS):
            if name == b"data":
                samples = true_size if size == _UNKNOWN else size
                return Fraction(samples, bytes_a_second) if samples and bytes_a_second else None
            if name == b"fmt ":
                bytes_a_second = _number(file.read(12)[8:])
            elif name == b"ds64":
                true_size = _number(file.read(16)[8:])
    return None


def _format_tag(start: bytes) -> int | None:
    """Of the format chunk; that of its subformat, where the tag is only that there is one."""
    file = BytesIO(start)
    file.seek(_FIRST_CHUNK)
    for name, size in _chunks(file):
        if name == b"fmt ":
            chunk = file.read(26)
            tag = _number(chunk[:2])
            return _number(chunk[24:]) if tag == _EXTENSIBLE and size >= 40 else tag
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and size of each chunk from here on, as far as there are any; the file then stands where it begins."""
    while len(head := file.read(8)) == 8:
        name, size, begin = head[:4], _number(head[4:]), file.tell()
        yield name, size
        file.seek(begin + size + size % 2)


def _number(field: bytes) -> int:
    return int.from_bytes(field, "little")
