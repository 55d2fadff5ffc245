"""WAV files of plain samples, which need not be searched for other codecs: that takes longer than reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LOOKED_AT: Final = 2**16
_KINDS: Final = (b"RIFF", b"RF64", b"BW64")
_PLAIN: Final = (1, 3)
"""Format tags of whole numbers and floats."""
_EXTENSIBLE: Final = 0xFFFE
_WRAPPED: Final = tuple(
    bytes.fromhex(text) for text in ("1fffe800", "ff1f00e8", "7ffe8001", "fe7f0180", "f8724e1f", "72f81f4e")
)
"""What DTS (ETSI TS 102 114) and IEC 61937 begin their frames with: some discs hide them so."""


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
