"""Reading of recipes, labels, cards and other files of text: regular files of sane size only, and JSON without NaN."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from earwitness.core.errors import EarwitnessError, shortened

CARD_BYTES: Final = 4 * 2**20
"""Cards, settings and other descriptions."""
TABLE_BYTES: Final = 256 * 2**20
"""Labels and results: some hundred bytes for each sound and 0.1 s."""

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Not blocking: to open a named pipe would wait for somebody to write."""


def read_bytes(path: Path | str, limit: int, error: type[EarwitnessError]) -> bytes:
    """The contents of a regular file.

    Args:
        path: the file.
        limit: bytes that it may have.
        error: what is raised.

    Raises:
        error: it is missing, no regular file (a folder, a pipe, a device), too large or unreadable.
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
        raise error(f"{path}: grows beyond {limit:,} bytes while it is read")
    return data


def open_regular(path: Path | str, error: type[EarwitnessError]) -> BinaryIO:
    """Open a regular file for reading, and nothing that would make the reader wait.

    Raises:
        error: it is missing, unreadable, or no regular file.
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
    """The UTF-8 text of a regular file, without a byte order mark; arguments and errors as of `read_bytes`.

    Raises:
        error: also for what is no UTF-8.
    """
    try:
        return read_bytes(path, limit, error).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{path}: is not UTF-8 text (byte {problem.start})") from None


def read_json(path: Path | str, limit: int, error: type[EarwitnessError]) -> Any:
    """The value of a JSON file; arguments and errors as of `read_bytes`.

    Raises:
        error: also for what is not JSON, or holds NaN or infinity.
    """
    return parse_json(read_text(path, limit, error), str(path), error)


def parse_json(text: str, where: str, error: type[EarwitnessError]) -> Any:
    """The value of a JSON text.

    Raises:
        error: it is not JSON, holds NaN or infinity, or nests too deep; the message begins with `where`.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as problem:  # ValueError: also a number of more than 4300 digits
        reason = "nests too deep" if isinstance(problem, RecursionError) else shortened(str(problem))
        raise error(f"{where}: not usable as JSON ({reason})") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON knows")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(digits, 30)} is too large for a number")
    return value


def _reason(problem: Exception) -> str:
    return f"cannot be read ({getattr(problem, 'strerror', None) or problem})"


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    )  # fmt: skip
    return next((name for test, name in kinds if test(mode)), "something else")
