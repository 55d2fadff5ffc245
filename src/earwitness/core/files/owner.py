"""Who made a file that is not finished, or holds a folder: enough to tell, on any machine, whether it still runs."""

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
"""Of /proc/PID/stat, behind the name in brackets: when the process started, in ticks since the machine did."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process.

    Attributes:
        token: random, so that no two owners are equal.
        command: what the process does, such as "earwitness train".
        host: name of its machine.
        machine: that name and the system's own number for the machine.
        boot: changes whenever the machine is started; "" where the system has no such number.
        namespace: within which its process number counts; containers have their own.
        process: its number.
        started: when it began, in the system's own count; "" where that is not known.
        since: when the record was made, as people write it (UTC).
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
        """What `record` wrote; None for anything else."""
        with suppress(ValueError, RecursionError):
            values = json.loads(record.decode())
            if isinstance(values, Mapping) and all(
                type(values.get(one.name)) is _TYPES[one.name] for one in fields(cls)
            ):
                return cls(**{one.name: values[one.name] for one in fields(cls)})
        return None

    @classmethod
    def read(cls, descriptor: int) -> Self | None:
        """The owner that an open file names; None where it names none."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        return cls.parse(os.read(descriptor, _LONGEST_RECORD))

    def record(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def is_gone(self, *, unlocked: bool) -> bool:
        """Whether the process has ended for certain.

        Args:
            unlocked: whether the system says that nobody holds the lock that the process took. Not every network file
                system passes locks on, so that this alone says nothing of another machine.
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
        """What a message says of it."""
        who = self.command or "another program"
        return f"{who} (process {self.process} on {self.host}, since {self.since})"


_TYPES: Final[dict[str, type[Any]]] = {one.name: int if one.name == "process" else str for one in fields(Owner)}


@cache
def _machine() -> tuple[str, str, str]:
    """Name, name with number, and start of this machine."""
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
    """Whether a process of this number runs, and is not another that got the number later."""
    if os.name != "posix":  # a signal would end it there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's process
        return True
    return not started or _started(process) in {"", started}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
