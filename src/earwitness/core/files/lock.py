"""One program at a time in a folder: whoever comes second is refused at once, and told who is there.

The lock is the system's own, so that it is gone with the process, however that ends. The file that it is taken on says
who holds it: where a network file system does not pass locks on, that decides.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from earwitness.core.errors import InUseError
from earwitness.core.files.owner import Owner
from earwitness.core.files.unwritable import unwritable

LOCK_NAME: Final = ".earwitness-lock"
LONGEST_NAME: Final = 255
"""Bytes of a file's name, on all common file systems."""
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP})
_OPEN: Final = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def locked_folder(folder: Path, command: str) -> Iterator[None]:
    """Hold a folder; it is made where it is missing, and removed again if it stays empty.

    Args:
        folder: what nobody else may write to meanwhile.
        command: what holds it, for whoever is refused.

    Raises:
        InUseError: another program holds it, or may hold it on another machine.
        EncodingError: the folder cannot be written.
    """
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        with _held(folder / LOCK_NAME, folder, command):
            yield
    finally:
        if new:
            with suppress(OSError):  # it holds something
                folder.rmdir()


@contextmanager
def locked_file(path: Path, command: str) -> Iterator[None]:
    """Hold the name of a file that is about to be written, and of what belongs to it; as `locked_folder`."""
    name = f".{path.name}{LOCK_NAME}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}{LOCK_NAME}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    with _held(path.with_name(name), path, command):
        yield


def try_lock(descriptor: int) -> bool | None:
    """Take the system's lock of an open file; False if another process has it, None where there are no such locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # what is locked cannot be read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in _NO_LOCKS else False
    return True


@contextmanager
def _held(lock: Path, what: Path, command: str) -> Iterator[None]:
    descriptor = _take(lock, what, command)
    children = _Child(descriptor)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=children.close)
    try:
        yield
    finally:
        children.over = True
        with suppress(OSError):
            lock.unlink()  # still locked, so that nobody else has taken it up
        os.close(descriptor)


class _Child:
    """Closes the lock in children of a fork: they would keep it when this process is gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self.over = descriptor, False

    def close(self) -> None:
        if not self.over:
            with suppress(OSError):
                os.close(self._descriptor)


def _take(lock: Path, what: Path, command: str) -> int:
    """Open and lock the file, and write into it who does."""
    while True:
        try:
            descriptor = os.open(lock, _OPEN | os.O_CREAT, 0o666)
        except OSError as error:
            raise unwritable(lock, error) from None
        try:
            if _take_open(descriptor, lock, what, command):
                return descriptor
        except OSError as error:
            os.close(descriptor)
            raise unwritable(lock, error) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever held it has just removed it


def _take_open(descriptor: int, lock: Path, what: Path, command: str) -> bool:
    """As `_take`, of an open file; False if it is no longer the one of that name."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise InUseError(f"{lock}: is no regular file; remove it")
    unlocked = try_lock(descriptor)
    owner = Owner.read(descriptor)
    if unlocked is False:
        who = "another program" if owner is None else str(owner)
        raise InUseError(f"'{what}' is in use by {who}; wait until it is done, or name another place with --out")
    try:
        if not os.path.samestat(os.fstat(descriptor), os.lstat(lock)):
            return False
    except FileNotFoundError:
        return False
    if owner is not None and not owner.is_gone(unlocked=unlocked is True):
        raise InUseError(
            f"'{what}' is or was in use by {owner}, and whether that still runs cannot be told from here; "
            f"if it does not, delete {lock}"
        )
    try:
        _write(descriptor, Owner.here(token_hex(8), command).record())
    except OSError:
        lock.unlink()
        raise
    return True


def _write(descriptor: int, record: bytes) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    if os.write(descriptor, record) != len(record):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
