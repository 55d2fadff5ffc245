"""What the header of a WAV file says: whether its samples are plain, and how long they last.

Files of plain samples need not be searched for other codecs: that takes longer than reading them. And FFmpeg gives the
length of what is there, so that a file that was cut short looks whole.
"""

from __future__ import annotations

from fractions import Fraction
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


def _format_tag(start: bytes) -> int | None:
    """Of the format chunk; that of its subformat, where the tag is only that there is one."""
    at = 12
    while at + 10 <= len(start):
        name, size = start[at : at + 4], int.from_bytes(start[at + 4 : at + 8], "little")
        if name == b"fmt ":
            tag = int.from_bytes(start[at + 8 : at + 10], "little")
            return int.from_bytes(start[at + 32 : at + 34], "little") if tag == _EXTENSIBLE and size >= 40 else tag
        at += 8 + size + size % 2
    return None


def declared_seconds(path: Path) -> Fraction | None:
    """How long the samples of a WAV file last by its header; None where it does not say, as after a pipe."""
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] not in _KINDS or start[8:] != b"WAVE":
            return None
        bytes_a_second = true_size = 0
        for _ in range(_MOST_CHUNKS):
            name, size = file.read(4), _number(file, 4)
            if name == b"data":
                samples = true_size if size == _UNKNOWN else size
                return Fraction(samples, bytes_a_second) if samples and bytes_a_second else None
            begin = file.tell()
            if name == b"fmt ":
                file.seek(8, 1)
                bytes_a_second = _number(file, 4)
            elif name == b"ds64":
                file.seek(8, 1)
                true_size = _number(file, 8)
            file.seek(begin + size + size % 2)
    return None


def _number(file: BinaryIO, length: int) -> int:
    return int.from_bytes(file.read(length), "little")
