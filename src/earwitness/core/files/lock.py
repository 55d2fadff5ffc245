"""Exclusive use of a folder or file by one program: a second program gets an error that names the first.

The operating system's file lock is used, which ends with the process. The lock file also names its owner; this record
decides on network file systems that do not support locks.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, Self

from earwitness.core.errors import InUseError, unwritable

_LONGEST_RECORD: Final = 4096
_START_FIELD: Final = 19
"""Field of /proc/PID/stat, counted after the name in brackets: start time in clock ticks since boot."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process.

    Attributes:
        token: random, so that owners are unique.
        command: what the process does, such as "earwitness train".
        host: name of its machine.
        machine: host name and machine id.
        boot: boot id, which changes with every start of the machine; "" if unknown.
        namespace: PID namespace; each container has its own.
        process: PID.
        started: start time in clock ticks since boot; "" if unknown.
        since: time of the record in UTC, for messages.
    """

    token: str
    command: str
    host: str
    machine: str
    boot: str
    namespace: str
    process: int
    started: str
    since: str

    @classmethod
    def here(cls, token: str, command: str = "") -> Self:
        """This process."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        process = os.getpid()
        return cls(token, command, *_machine(), _namespace(), process, _started(process), now)

    @classmethod
    def parse(cls, record: bytes) -> Self | None:
        """Parse what `record` wrote; None for anything else."""
        with suppress(ValueError, RecursionError):
            values = json.loads(record.decode())
            if isinstance(values, Mapping) and all(
                type(values.get(one.name)) is _TYPES[one.name] for one in fields(cls)
            ):
                return cls(**{one.name: values[one.name] for one in fields(cls)})
        return None

    @classmethod
    def read(cls, descriptor: int) -> Self | None:
        """The owner named in an open file; None if there is none."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        return cls.parse(os.read(descriptor, _LONGEST_RECORD))

    def record(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def is_gone(self, *, unlocked: bool) -> bool:
        """Whether the process has certainly ended.

        Args:
            unlocked: whether the process's lock is free. Some network file systems do not share locks, so for a process
                on another machine this proves nothing.
        """
        _, machine, boot = _machine()
        same_start = bool(boot) and self.boot == boot
        if unlocked and (same_start or self.machine == machine):
            return True
        if self.machine == machine and boot and self.boot and self.boot != boot:
            return True
        if same_start and self.namespace == _namespace():
            return not _runs(self.process, self.started)
        return False

    def __str__(self) -> str:
        """Description for messages."""
        who = self.command or "another program"
        return f"{who} (process {self.process} on {self.host}, since {self.since})"


_TYPES: Final[dict[str, type[Any]]] = {one.name: int if one.name == "process" else str for one in fields(Owner)}


@cache
def _machine() -> tuple[str, str, str]:
    """Host name, host name with machine id, and boot id of this machine."""
    host = socket.gethostname()
    number = _text(Path("/etc/machine-id"))
    return host, f"{host}/{number}", _text(Path("/proc/sys/kernel/random/boot_id"))


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(process: int) -> str:
    stat = _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return stat[_START_FIELD] if len(stat) > _START_FIELD else ""


def _runs(process: int, started: str) -> bool:
    """Whether the process is running, and its PID was not reused by another one."""
    if os.name != "posix":  # on Windows, os.kill would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's process
        return True
    return not started or _started(process) in {"", started}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


LOCK_NAME: Final = ".earwitness-lock"
LONGEST_NAME: Final = 255
"""Maximum length of a file name in bytes on common file systems."""
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP})
_OPEN: Final = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def locked_folder(folder: Path, command: str) -> Iterator[None]:
    """Lock a folder. A missing folder is created, and deleted again if it stays empty.

    Args:
        folder: the folder to lock.
        command: name of this program, for the error message of another one.

    Raises:
        InUseError: another program has locked it, or may have locked it on another machine.
        EncodingError: the folder cannot be written.
    """
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        with _locked(folder / LOCK_NAME, folder, command):
            yield
    finally:
        if new:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


@contextmanager
def locked_file(path: Path, command: str) -> Iterator[None]:
    """Lock the name of a file that will be written, including its side files; see `locked_folder`."""
    name = f".{path.name}{LOCK_NAME}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}{LOCK_NAME}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    with _locked(path.with_name(name), path, command):
        yield


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file; False if another process has the lock, None if the file system has no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # a locked byte cannot be read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in _NO_LOCKS else False
    return True


@contextmanager
def _locked(lock: Path, what: Path, command: str) -> Iterator[None]:
    descriptor = _open_locked(lock, what, command)
    guard = _ForkGuard(descriptor)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=guard.close)
    try:
        yield
    finally:
        guard.released = True
        with suppress(OSError):
            lock.unlink()  # before closing, so that no other process can lock it
        os.close(descriptor)


class _ForkGuard:
    """Closes the lock file in forked children, which would otherwise keep the lock after this process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self.released = descriptor, False

    def close(self) -> None:
        if not self.released:
            with suppress(OSError):
                os.close(self._descriptor)


def _open_locked(lock: Path, what: Path, command: str) -> int:
    """Open and lock the lock file, and write the owner to it."""
    while True:
        try:
            descriptor = os.open(lock, _OPEN | os.O_CREAT, 0o666)
        except OSError as error:
            raise unwritable(lock, error) from None
        try:
            if _lock_open(descriptor, lock, what, command):
                return descriptor
        except OSError as error:
            os.close(descriptor)
            raise unwritable(lock, error) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its former owner has just deleted it


def _lock_open(descriptor: int, lock: Path, what: Path, command: str) -> bool:
    """Like `_open_locked`, for an open file; False if the file has been deleted or replaced."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise InUseError(f"{lock}: is not a regular file; delete it")
    unlocked = try_lock(descriptor)
    owner = Owner.read(descriptor)
    if unlocked is False:
        who = "another program" if owner is None else str(owner)
        raise InUseError(f"'{what}' is in use by {who}; wait until it has finished, or choose another --out")
    try:
        if not os.path.samestat(os.fstat(descriptor), os.lstat(lock)):
            return False
    except FileNotFoundError:
        return False
    if owner is not None and not owner.is_gone(unlocked=unlocked is True):
        raise InUseError(
            f"'{what}' is or was in use by {owner}; this machine cannot check whether it is still running: "
            f"if it is not, delete {lock}"
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
