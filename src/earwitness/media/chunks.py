"""Files made of chunks (RIFF, Wave64, AIFF, CAF): walking them, and what lies behind the last one that is declared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

_MOST_CHUNKS: Final = 1000
_TAGS: Final = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS")
"""Tags of MP3 files, which some programs hang on to any file."""
_LOOKED_AT: Final = 2**16


@dataclass(frozen=True, slots=True)
class ChunkStyle:
    """How a chunk's head is written.

    Attributes:
        name_bytes, size_bytes: of its two fields.
        big_endian: whether sizes are.
        counts_head: whether sizes count the head.
        aligned: what a chunk holds is filled up to a multiple of so many bytes.
        files: what whole files begin with.
    """

    name_bytes: int
    size_bytes: int
    big_endian: bool
    counts_head: bool
    aligned: int
    files: tuple[bytes, ...]

    @property
    def head_bytes(self) -> int:
        """Size of a head."""
        return self.name_bytes + self.size_bytes

    def padding(self, size: int) -> int:
        """Bytes behind a chunk that holds `size`."""
        return -size % self.aligned


RIFF: Final = ChunkStyle(4, 4, big_endian=False, counts_head=False, aligned=2, files=(b"RIFF", b"RF64", b"BW64"))
WAVE64: Final = ChunkStyle(
    16, 8, big_endian=False, counts_head=True, aligned=8, files=(bytes.fromhex("726966662e91cf11a5d628db04c10000"),)
)
AIFF: Final = ChunkStyle(4, 4, big_endian=True, counts_head=False, aligned=2, files=(b"FORM",))
CAF: Final = ChunkStyle(4, 8, big_endian=True, counts_head=False, aligned=1, files=(b"caff",))


@dataclass(frozen=True, slots=True)
class Behind:
    """What lies behind the declared end of a file's samples and is no chunk.

    Attributes:
        kind: "file": another whole file begins there; "sound": no structure, so the samples go on.
        start: its first byte.
        size: bytes from there to the end of the file.
    """

    kind: Literal["sound", "file"]
    start: int
    size: int


def chunks(file: BinaryIO, style: ChunkStyle) -> Iterator[tuple[bytes, int, int]]:
    """First four bytes of the name, size and first byte of each chunk from here on; the file then stands there."""
    here = file.tell()
    file_bytes = file.seek(0, os.SEEK_END)
    file.seek(here)
    for _ in range(_MOST_CHUNKS):
        found = _head(file, style)
        if found is None:
            return
        name, size = found
        begin = file.tell()
        yield name[:4], size, begin
        following = begin + size + style.padding(size)
        if following >= file_bytes:  # sizes of 64 bits may lie beyond any place that a system can go to
            return
        file.seek(following)


def what_follows(file: BinaryIO, style: ChunkStyle, end: int, file_bytes: int, padding: int = 0) -> Behind | None:
    """What lies behind the samples of a file.

    Args:
        file: an open file; its position is changed.
        style: of its chunks.
        end: byte behind the samples.
        file_bytes: size of the file.
        padding: bytes that should follow the samples, which some writers forget.

    Returns:
        None where nothing lies there but chunks, tags and zeros.
    """
    results = [_follows(file, style, start, file_bytes) for start in sorted({end + padding, end}, reverse=True)]
    return next((found for found in results if found is None or found.kind == "file"), results[0])


def _follows(file: BinaryIO, style: ChunkStyle, start: int, file_bytes: int) -> Behind | None:
    position, known = start, False
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(64)
        if len(head) <= style.head_bytes or head.startswith(_TAGS):
            return None
        if head.startswith(style.files):
            return Behind("file", position, file_bytes - position)
        file.seek(position)
        found = _head(file, style)
        assert found is not None
        name, size = found
        if not _is_name(name) or file.tell() + size > file_bytes + style.aligned:
            break
        known, position = True, file.tell() + size + style.padding(size)
    if known or _only_zeros(file, position):
        return None
    return Behind("sound", position, file_bytes - position)


def _head(file: BinaryIO, style: ChunkStyle) -> tuple[bytes, int] | None:
    head = file.read(style.head_bytes)
    if len(head) < style.head_bytes:
        return None
    size = int.from_bytes(head[style.name_bytes :], "big" if style.big_endian else "little")
    return head[: style.name_bytes], max(0, size - style.head_bytes) if style.counts_head else size


def _is_name(name: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in name[:4])


def _only_zeros(file: BinaryIO, position: int) -> bool:
    file.seek(position)
    while piece := file.read(_LOOKED_AT):
        if piece.strip(b"\0"):
            return False
    return True
