"""Files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENAMETOOLONG
from pathlib import Path
from typing import Final

from earwitness.core.errors import EncodingError

_LONGEST_NAME: Final = 255 - len(".pictures")
_PARTIAL: Final = re.compile(r"\..+\.(\d+)\.part(\.[^.]*)?")


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` (same suffix); renamed to `path` on success, removed on failure.

    Raises:
        EncodingError: the file or its folder cannot be written.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        do = "give the input a shorter name" if error.errno == ENAMETOOLONG else "check folder and space"
        raise EncodingError(f"{path}: cannot be written ({error.strerror or error}); {do}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    """A name beside `path`; where that is as long as names can be, one made of its hash."""
    name = f".{path.stem}.{os.getpid()}.part{path.suffix}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = name.replace(path.stem, hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32], 1)
    return path.with_name(name)


def remove_partial_files(folder: Path) -> None:
    """Remove the temporary files that killed programs left in a folder; those of living ones stay."""
    for path in folder.glob(".*.part*"):
        match = _PARTIAL.fullmatch(path.name)
        if match and not _alive(int(match[1])):
            path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    if os.name != "posix":  # a signal would end it there; renaming over a file in use fails anyway
        return process == os.getpid()
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's process, or no number of one
        return True
    return True
