"""Safe reading of ZIP archives that may be damaged or hostile: one error type, and limits checked before unpacking."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final
from zipfile import BadZipFile, ZipFile

from earwitness.core.errors import EarwitnessError, first_line

ZIP_ERRORS: Final = (
    BadZipFile, EOFError, KeyError, LookupError, NotImplementedError, OSError, OverflowError, RuntimeError, ValueError,
    lzma.LZMAError, struct.error, zlib.error,
)  # fmt: skip
"""All exceptions that `zipfile` raises for unusable archives, such as RuntimeError for encrypted ones."""
_ENCRYPTED: Final = 0x1
MOST_ENTRIES: Final = 10_000


@contextmanager
def open_zip(
    path: Path | str, error: type[EarwitnessError], most_bytes: int, what: str = "archive"
) -> Iterator[ZipFile]:
    """Open an archive for reading; exceptions raised while it is read are converted to `error`.

    Args:
        path: the archive, a regular file.
        error: type of the exceptions raised.
        most_bytes: maximum size of the unpacked contents.
        what: kind of file, for messages.

    Raises:
        error: the archive is missing, damaged, encrypted or too large when unpacked, or one of its names is repeated,
            absolute or outside of the archive.
    """
    try:
        if not Path(path).is_file():
            raise error(f"{path}: no such file")
        with ZipFile(path) as archive:
            _check(archive, path, error, most_bytes)
            yield archive
    except ZIP_ERRORS as problem:
        if isinstance(problem, EarwitnessError):
            raise
        raise error(f"{path}: not a usable {what} ({first_line(problem)}); write or copy it again") from None


def read_entry(archive: ZipFile, name: str, limit: int) -> bytes:
    """Read an entry with a limit on its actual size, since the declared one can be wrong.

    Raises:
        ValueError: the entry has more than `limit` bytes. Others of `ZIP_ERRORS`: it is missing or damaged.
    """
    with archive.open(name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"'{name}' has more than {limit:,} bytes")
    return data


def _check(archive: ZipFile, path: Path | str, error: type[EarwitnessError], most_bytes: int) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise error(f"{path}: holds {len(entries):,} files; such an archive has at most {MOST_ENTRIES:,}")
    seen: set[str] = set()
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise error(f"{path}: '{entry.filename}' is encrypted; write it without a password")
        if entry.filename in seen:
            raise error(f"{path}: '{entry.filename}' occurs twice; write the archive again")
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in entry.filename:
            raise error(f"{path}: '{entry.filename}' points outside of the archive; write the archive again")
        seen.add(entry.filename)
    if sum(entry.file_size for entry in entries) > most_bytes:
        raise error(f"{path}: its contents have more than {most_bytes:,} bytes when unpacked")
