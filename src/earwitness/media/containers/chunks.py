"""Chunks of RIFF, Wave64, AIFF and CAF files, and top-level boxes of MP4 and QuickTime files.

They show data after the declared end, an appended second file, and the marker of ambisonic audio.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

_MOST_CHUNKS: Final = 1000
_TAGS: Final = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS")
"""Tags of MP3 files, which some programs append to other files too."""
_BLOCK_BYTES: Final = 2**16


@dataclass(frozen=True, slots=True)
class ChunkStyle:
    """Format of a chunk header.

    Attributes:
        name_bytes, size_bytes: lengths of its two fields.
        big_endian: byte order of sizes.
        counts_head: whether sizes include the header.
        aligned: chunk contents are padded to a multiple of this number of bytes.
        files: signatures at the start of a file.
    """

    name_bytes: int
    size_bytes: int
    big_endian: bool
    counts_head: bool
    aligned: int
    files: tuple[bytes, ...]

    @property
    def head_bytes(self) -> int:
        """Size of a chunk header."""
        return self.name_bytes + self.size_bytes

    def padding(self, size: int) -> int:
        """Padding after a chunk with `size` bytes of contents."""
        return -size % self.aligned


RIFF: Final = ChunkStyle(4, 4, big_endian=False, counts_head=False, aligned=2, files=(b"RIFF", b"RF64", b"BW64"))
WAVE64: Final = ChunkStyle(
    16, 8, big_endian=False, counts_head=True, aligned=8, files=(bytes.fromhex("726966662e91cf11a5d628db04c10000"),)
)
AIFF: Final = ChunkStyle(4, 4, big_endian=True, counts_head=False, aligned=2, files=(b"FORM",))
CAF: Final = ChunkStyle(4, 8, big_endian=True, counts_head=False, aligned=1, files=(b"caff",))


@dataclass(frozen=True, slots=True)
class TrailingData:
    """Data after the declared end of a file's samples that is not a chunk.

    Attributes:
        kind: "file" if another complete file begins there; "sound" if there is no structure, so the samples continue.
        start: position of its first byte.
        size: number of bytes up to the end of the file.
    """

    kind: Literal["sound", "file"]
    start: int
    size: int


def chunks(file: BinaryIO, style: ChunkStyle) -> Iterator[tuple[bytes, int, int]]:
    """Iterate over the chunks from the current position: first four bytes of the name, size, position of the contents.

    The file is positioned at the contents when a chunk is yielded.
    """
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
        if following >= file_bytes:  # 64-bit sizes may exceed the largest position of the system
            return
        file.seek(following)


def trailing_data(
    file: BinaryIO, style: ChunkStyle, end: int, file_bytes: int, padding: int = 0
) -> TrailingData | None:
    """Find data after the samples of a file.

    Args:
        file: an open file; its position is changed.
        style: format of its chunks.
        end: position after the samples.
        file_bytes: size of the file.
        padding: padding bytes that should follow the samples; some writers omit them.

    Returns:
        None if only chunks, tags and zeros follow.
    """
    results = [_trailing_at(file, style, start, file_bytes) for start in sorted({end + padding, end}, reverse=True)]
    return next((found for found in results if found is None or found.kind == "file"), results[0])


def _trailing_at(file: BinaryIO, style: ChunkStyle, start: int, file_bytes: int) -> TrailingData | None:
    position, known = start, False
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(64)
        if len(head) <= style.head_bytes or head.startswith(_TAGS):
            return None
        if head.startswith(style.files):
            return TrailingData("file", position, file_bytes - position)
        file.seek(position)
        found = _head(file, style)
        assert found is not None
        name, size = found
        if not _is_name(name) or file.tell() + size > file_bytes + style.aligned:
            break
        known, position = True, file.tell() + size + style.padding(size)
    if known or _only_zeros(file, position):
        return None
    return TrailingData("sound", position, file_bytes - position)


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
    while piece := file.read(_BLOCK_BYTES):
        if piece.strip(b"\0"):
            return False
    return True


_MOST_BOXES: Final = 100_000
_LARGEST_INDEX: Final = 64 * 2**20
_AMBISONIC_BOX: Final = b"SA3D"
"""Google's spatial audio: version, type 0 (periphonic), order, ordering 0 (ACN), gains 0 (SN3D), channels."""


def boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Type, position and size of each top-level box, up to the first invalid one.

    Raises:
        OSError: the file cannot be read.
    """
    end, position = path.stat().st_size, 0
    with path.open("rb") as file:
        for _ in range(_MOST_BOXES):
            if position >= end:  # sizes of 64 bits may lead anywhere
                return
            file.seek(position)
            head = file.read(16)
            if len(head) < 8:
                return
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            elif size == 0:
                size = end - position
            if size < 8:
                return
            yield head[4:8], position, size
            position += size


def second_file(path: Path) -> int | None:
    """Position of a second file that was appended to the first; None if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    begins = [start for name, start, _ in boxes(path) if name == b"ftyp"]
    return begins[1] if len(begins) > 1 else None


def says_ambisonic(path: Path) -> bool:
    """Whether a file declares ambiX audio of first or higher order.

    Raises:
        OSError: the file cannot be read.
    """
    for name, start, size in boxes(path):
        if name == b"moov":
            with path.open("rb") as file:
                file.seek(start)
                index = file.read(min(size, _LARGEST_INDEX))
            at = index.find(_AMBISONIC_BOX)
            fields = index[at + 4 : at + 16]
            return at >= 4 and len(fields) == 12 and fields[:2] == b"\0\0" and fields[6:8] == b"\0\0"
    return False
