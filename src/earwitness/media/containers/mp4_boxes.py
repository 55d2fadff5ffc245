"""Top-level boxes of MP4 and QuickTime files: detects an appended second file and the marker of ambisonic audio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

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
