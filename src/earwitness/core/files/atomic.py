"""Files and folders that appear complete or not at all: written under a temporary name, then renamed.

The temporary file lies in a workspace, a hidden folder beside the target. The workspace has a random name and holds a
record of the process that made it. That record distinguishes the leftovers of a killed process from a file that another
process, on any machine, is still writing, and from the user's own files.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from earwitness.core.errors import EncodingError, unwritable
from earwitness.core.files.lock import Owner, try_lock

_WORKSPACE: Final = ".earwitness-{token}.partial"
_WORKSPACE_NAME: Final = re.compile(r"\.earwitness-([0-9a-f]{32})\.partial")
_OWNER: Final = "owner"
_NEW: Final = "new"
"""Prefix of the temporary file names."""
_LONGEST_SUFFIX: Final = 32
_DEVICES: Final = frozenset({Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")})
"""Links in these folders point to files that a process has open; they must not be replaced."""
_SETUP_SECONDS: Final = 3600.0
"""A workspace without a record may still be set up by its process until it is this old."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path with the suffix of `path`; it replaces `path` on success and is deleted on failure.

    Missing parent folders are created.

    Raises:
        EncodingError: the file or its folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_target(path)
        with _workspace(path.parent) as workspace:
            suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""
            temporary = workspace / f"{_NEW}{suffix}"
            yield temporary
            temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new, empty folder; it replaces the folder `path` on success and is deleted on failure.

    Raises:
        EncodingError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _workspace(path.parent) as workspace:
            temporary = workspace / _NEW
            temporary.mkdir()
            yield temporary
            shutil.rmtree(path, ignore_errors=True)
            temporary.rename(path)
    except OSError as error:
        raise unwritable(path, error) from None


def remove_partial_files(folder: Path) -> None:
    """Delete what killed processes left unfinished in a folder; a file that may still be in use is kept."""
    for workspace in folder.glob(_WORKSPACE.format(token="*")):
        name = _WORKSPACE_NAME.fullmatch(workspace.name)
        if name is not None and not workspace.is_symlink() and workspace.is_dir():
            with suppress(OSError):
                _remove_if_abandoned(workspace, name[1])


def _check_target(path: Path) -> None:
    """Raise an error early where the target cannot or must not be replaced, such as a folder or a device."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode) or path.absolute().parent in _DEVICES:
        what = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise EncodingError(f"{path}: is {what}; name a file")


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    """Create a workspace in `folder` and lock it; delete it afterwards."""
    token = token_hex(16)
    workspace = folder / _WORKSPACE.format(token=token)
    descriptor = None
    try:  # from the start: Ctrl-C may come at any line
        workspace.mkdir()
        descriptor = os.open(workspace / _OWNER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try_lock(descriptor)
        os.write(descriptor, Owner.here(token).record())
        yield workspace
    finally:
        if descriptor is not None:
            os.close(descriptor)
        with suppress(OSError):
            try:
                _clear(workspace)
            except KeyboardInterrupt:
                _clear(workspace)
                raise


def _remove_if_abandoned(workspace: Path, token: str) -> None:
    try:
        descriptor = os.open(workspace / _OWNER, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        if time.time() - workspace.stat().st_mtime > _SETUP_SECONDS:
            workspace.rmdir()  # fails unless the folder is empty
        return
    try:
        unlocked = try_lock(descriptor) is True
        owner = Owner.read(descriptor)
        abandoned = owner is not None and owner.token == token and owner.is_gone(unlocked=unlocked)
    finally:
        os.close(descriptor)
    if abandoned:
        _clear(workspace)


def _clear(workspace: Path) -> None:
    """Delete what this module put into a workspace, and the workspace itself if nothing else is in it."""
    for path in workspace.iterdir():
        if path.name.startswith(_NEW):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    (workspace / _OWNER).unlink(missing_ok=True)
    workspace.rmdir()
