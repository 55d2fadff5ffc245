"""Safe reading of small files and ZIP archives that may be damaged or hostile: limited sizes, one error type."""

from __future__ import annotations

import json
import lzma
import math
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, NoReturn
from zipfile import BadZipFile, ZipFile

from earwitness.core.errors import EarwitnessError, first_line, shortened

CARD_BYTES: Final = 4 * 2**20
"""Size limit of cards, settings and other descriptions."""
TABLE_BYTES: Final = 256 * 2**20
"""Size limit of labels and results, which take some hundred bytes per source and frame."""

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Non-blocking, since opening a named pipe would wait for a writer."""
_MOST_AT_ONCE: Final = 2**26
"""Bytes of one read, for which the system reserves memory."""


def read_bytes(path: Path | str, limit: int, error: type[EarwitnessError]) -> bytes:
    """Read a regular file.

    Args:
        path: the file.
        limit: maximum size in bytes.
        error: type of the exceptions raised.

    Raises:
        error: the file is missing, unreadable, too large, or not a regular file (a folder, a pipe, a device).
    """
    descriptor, size = _open(path, error)
    try:
        if size > limit:
            raise error(f"{path}: has {size:,} bytes; such a file has at most {limit:,}")
        data = _read(descriptor, size + 1)
        if len(data) > size:  # it grew, or is a file of the system that states no size
            data += _read(descriptor, limit + 1 - len(data))
    except OSError as problem:
        raise error(f"{path}: {_reason(problem)}") from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise error(f"{path}: grew beyond {limit:,} bytes while it was read")
    return data


def read_head(path: Path | str, length: int, error: type[EarwitnessError]) -> bytes:
    """Read the first `length` bytes of a regular file, or all of a shorter one.

    Raises:
        error: the file is missing, unreadable or not a regular file.
    """
    descriptor, _ = _open(path, error)
    try:
        return _read(descriptor, length)
    except OSError as problem:
        raise error(f"{path}: {_reason(problem)}") from None
    finally:
        os.close(descriptor)


def open_regular(path: Path | str, error: type[EarwitnessError]) -> BinaryIO:
    """Open a regular file for reading; never blocks.

    Raises:
        error: the file is missing, unreadable or not a regular file.
    """
    return os.fdopen(_open(path, error)[0], "rb")


def _open(path: Path | str, error: type[EarwitnessError]) -> tuple[int, int]:
    """Descriptor and size of a regular file."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as problem:  # ValueError: a null character
        raise error(f"{path}: {_reason(problem)}") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise error(f"{path}: cannot be read: it is {_kind(status.st_mode)}, not a regular file")
    return descriptor, status.st_size


def _read(descriptor: int, length: int) -> bytes:
    """Up to `length` bytes, fewer only at the end; a single read may return fewer than there are."""
    data = os.read(descriptor, min(length, _MOST_AT_ONCE))
    while 0 < len(data) < length and (more := os.read(descriptor, min(length - len(data), _MOST_AT_ONCE))):
        data += more
    return data


def read_text(path: Path | str, limit: int, error: type[EarwitnessError]) -> str:
    """Read a UTF-8 text file, without its byte order mark; arguments as for `read_bytes`.

    Raises:
        error: as `read_bytes`, or the file is not UTF-8.
    """
    try:
        return read_bytes(path, limit, error).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{path}: is not UTF-8 text (byte {problem.start})") from None


def read_json(path: Path | str, limit: int, error: type[EarwitnessError]) -> Any:
    """Read a JSON file; arguments as for `read_bytes`.

    Raises:
        error: as `read_text` and `parse_json`.
    """
    return parse_json(read_text(path, limit, error), str(path), error)


def parse_json(text: str, where: str, error: type[EarwitnessError]) -> Any:
    """Parse a JSON text.

    Raises:
        error: it is not JSON, contains NaN or infinity, or is nested too deeply; the message begins with `where`.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as problem:  # ValueError: also a number of more than 4300 digits
        reason = "nests too deep" if isinstance(problem, RecursionError) else shortened(str(problem))
        raise error(f"{where}: not usable as JSON ({reason})") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(digits, 30)} is too large a number")
    return value


def _reason(problem: Exception) -> str:
    return f"cannot be read ({getattr(problem, 'strerror', None) or problem})"


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    )  # fmt: skip
    return next((name for test, name in kinds if test(mode)), "something else")


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
