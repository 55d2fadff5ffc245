"""The process that owns an unfinished file or a lock, and whether it is still running, as far as can be determined."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

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
