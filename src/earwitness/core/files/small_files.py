"""Safe reading of text files such as recipes, labels and cards: regular files of limited size, JSON without NaN."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from earwitness.core.errors import EarwitnessError, shortened

CARD_BYTES: Final = 4 * 2**20
"""Size limit of cards, settings and other descriptions."""
TABLE_BYTES: Final = 256 * 2**20
"""Size limit of labels and results, which take some hundred bytes per source and frame."""

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Non-blocking, since opening a named pipe would wait for a writer."""


def read_bytes(path: Path | str, limit: int, error: type[EarwitnessError]) -> bytes:
    """Read a regular file.

    Args:
        path: the file.
        limit: maximum size in bytes.
        error: type of the exceptions raised.

    Raises:
        error: the file is missing, unreadable, too large, or not a regular file (a folder, a pipe, a device).
    """
    with open_regular(path, error) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise error(f"{path}: has {size:,} bytes; such a file has at most {limit:,}")
        try:
            data = file.read(limit + 1)
        except OSError as problem:
            raise error(f"{path}: {_reason(problem)}") from None
    if len(data) > limit:
        raise error(f"{path}: grew beyond {limit:,} bytes while it was read")
    return data


def open_regular(path: Path | str, error: type[EarwitnessError]) -> BinaryIO:
    """Open a regular file for reading; never blocks.

    Raises:
        error: the file is missing, unreadable or not a regular file.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as problem:  # ValueError: a null character
        raise error(f"{path}: {_reason(problem)}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise error(f"{path}: cannot be read: it is {_kind(mode)}, not a regular file")
    return os.fdopen(descriptor, "rb")


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
