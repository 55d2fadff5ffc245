"""Unexpected errors: one line for the user, and a log file with the details."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from earwitness.core.errors import UsageError, first_line
from earwitness.core.version import __version__

_KEPT_BYTES: Final = 2**20
"""Total size to which old logs are trimmed."""
_LOG: Final = "_earwitness_log"
"""Attribute that is set on a logged error: the path of its log."""
_LONGEST: Final = 200_000
"""Maximum length of a trace in characters: that of an endless recursion is long."""


def describe(error: BaseException, log: Path | None) -> str:
    """Describe an error on one line, with the path of its log."""
    details = "" if log is None else f"; details in {log}"
    if isinstance(error, MemoryError):
        return f"not enough memory for this input; use smaller files or a machine with more memory{details}"
    if isinstance(error, RecursionError):
        return f"the input nests too deeply{details}"
    name, reason = type(error).__name__, first_line(error)
    what = name if reason == name else f"{name}: {reason}"
    return f"unexpected error: {what}; the input or an installed library may be at fault{details}"


def write_log(error: BaseException) -> Path | None:
    """Write traceback, versions and command line to a new file that only the user can read.

    The file is written to the user's cache folder or, if that fails, to the system's temporary folder.

    Returns:
        The file, the same one for the same error; None if nothing can be written.
    """
    path: Path | None = getattr(error, _LOG, None)
    if path is None:
        path = _write(_text(error))
        with suppress(AttributeError):  # an error that takes no attributes
            setattr(error, _LOG, path)
    return path


def _write(text: str) -> Path | None:
    for folder in (_cache(), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        with suppress(OSError, ValueError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A random name, so that no link or file of another user is opened.
            descriptor, name = tempfile.mkstemp(prefix="earwitness-", suffix=".log", dir=folder)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            if folder.name == "logs":
                from earwitness.core.files.cache import keep_within

                keep_within(folder, _KEPT_BYTES)
            return Path(name)
    return None


def _cache() -> Path | None:
    from earwitness.core.files.cache import cache_folder  # with hashlib and json, which every start would have to load

    try:
        return cache_folder("logs")
    except UsageError:  # there is no home folder
        return None


def _text(error: BaseException) -> str:
    try:
        trace = "".join(traceback.format_exception(error))
    except (MemoryError, RecursionError, ValueError):
        trace = f"{type(error).__name__}, no traceback\n"
    if len(trace) > _LONGEST:
        trace = f"{trace[: _LONGEST // 2]}\n...\n{trace[-_LONGEST // 2 :]}"
    head = (
        f"earwitness {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{datetime.now(UTC).isoformat(timespec='seconds')}\n{sys.argv!r}\n\n"
    )
    return head + trace
