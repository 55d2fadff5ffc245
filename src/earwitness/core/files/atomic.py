"""Files that are there whole or not at all.

A file is made in a folder of its own beside its place, and moved there when it is whole. That folder's name is random,
and a record in it says which process made it, so that what a killed process left is told from what another, on
whatever machine, is still writing, and from everything that users have.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from earwitness.core.errors import EncodingError
from earwitness.core.files.lock import try_lock
from earwitness.core.files.owner import Owner
from earwitness.core.files.unwritable import unwritable

_PLACE: Final = ".earwitness-{token}.partial"
_PLACE_NAME: Final = re.compile(r"\.earwitness-([0-9a-f]{32})\.partial")
_OWNER: Final = "owner"
_NEW: Final = "new"
"""What the names of unfinished files begin with."""
_LONGEST_SUFFIX: Final = 32
_DEVICES: Final = frozenset({Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")})
"""Links there lead to whatever file a program has open, and are not to be replaced."""
_BEGINNING_SECONDS: Final = 3600.0
"""A place without a record is one that is being made, for at most so long."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary name near `path` (same suffix); moved to `path` on success, removed on failure.

    Raises:
        EncodingError: the file or its folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_target(path)
        with _place(path.parent) as place:
            suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""
            temporary = place / f"{_NEW}{suffix}"
            yield temporary
            temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None


def remove_partial_files(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder; what may be another's stays."""
    for place in folder.glob(_PLACE.format(token="*")):
        name = _PLACE_NAME.fullmatch(place.name)
        if name is not None and not place.is_symlink() and place.is_dir():
            with suppress(OSError):
                _remove_if_left(place, name[1])


def _check_target(path: Path) -> None:
    """Refuse early what could not be replaced in the end, or should not: a device is no file to be replaced."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode) or path.absolute().parent in _DEVICES:
        what = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise EncodingError(f"{path}: is {what}; name a file")


@contextmanager
def _place(folder: Path) -> Iterator[Path]:
    """A folder of its own for an unfinished file, removed in the end."""
    token = token_hex(16)
    place = folder / _PLACE.format(token=token)
    place.mkdir()
    descriptor = None
    try:
        descriptor = os.open(place / _OWNER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try_lock(descriptor)
        os.write(descriptor, Owner.here(token).record())
        yield place
    finally:
        if descriptor is not None:
            os.close(descriptor)
        with suppress(OSError):
            _clear(place)


def _remove_if_left(place: Path, token: str) -> None:
    try:
        descriptor = os.open(place / _OWNER, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        if time.time() - place.stat().st_mtime > _BEGINNING_SECONDS:
            place.rmdir()  # fails if there is anything in it
        return
    try:
        unlocked = try_lock(descriptor) is True
        owner = Owner.read(descriptor)
        left = owner is not None and owner.token == token and owner.is_gone(unlocked=unlocked)
    finally:
        os.close(descriptor)
    if left:
        _clear(place)


def _clear(place: Path) -> None:
    """Remove what this module puts into such a folder, and the folder if nothing else is there."""
    for file in place.iterdir():
        if file.name.startswith(_NEW):
            file.unlink()
    (place / _OWNER).unlink(missing_ok=True)
    place.rmdir()
