"""Child processes that end with their parent, cannot be reached by its Ctrl-C, and can always be ended by it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

from earwitness.core.isolation.process_limits import FileLimits, Limits

REPORT_SECONDS: Final = 0.2
"""Progress is sent no more often than this."""
CHECK_SECONDS: Final = 0.2
"""Between two looks at the memory of a process. In that time a process was seen to take 300 MB at most."""
_KILL_SECONDS: Final = 2.0
"""A process that does not end within this after SIGKILL hangs in the kernel; it ends when its system call does."""
_PROC: Final = Path("/proc")


class Child:
    """The parent's end of a process that runs `target(channel, *args)`.

    Args:
        target: a function of a module; gets the other end of the channel.
        args: must be picklable.
    """

    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.channel, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_begin, args=(target, theirs, *args), daemon=True)
        with _signals_blocked():
            self.process.start()
        theirs.close()  # so that the end of the process is the end of the channel

    def kill(self) -> None:
        """End it and its own children now."""
        if self.process.pid is not None and self.process.is_alive() and sys.platform != "win32":
            with suppress(OSError):  # it ended, or does not lead a group yet
                if os.getpgid(self.process.pid) == self.process.pid:
                    os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join(_KILL_SECONDS)
        self.channel.close()

    def death(self) -> str:
        """How it ended, in words."""
        self.process.join(_KILL_SECONDS)
        code = self.process.exitcode
        return f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"

    @property
    def out_of_cpu(self) -> bool:
        """Whether it ended by its limit of processor time."""
        self.process.join(_KILL_SECONDS)
        return sys.platform != "win32" and self.process.exitcode == -signal.SIGXCPU


class Watch:
    """Compares what a child takes with its limits."""

    def __init__(self, child: Child, limits: Limits, name: str) -> None:
        self._child, self._name = child, name
        self._begun, self._looked = time.monotonic(), 0.0
        self.limits = limits

    def check(self) -> None:
        """Look whether the child is within its limits; cheap enough to be called often.

        Raises:
            TimeLimitError, MemoryLimitError: it is not.
        """
        now = time.monotonic()
        if self.limits.seconds is not None and now - self._begun > self.limits.seconds:
            raise self.limits.time_error(self._name)
        if self.limits.memory_mb is None or now - self._looked < CHECK_SECONDS or self._child.process.pid is None:
            return
        self._looked = now
        taken = memory_mb(self._child.process.pid)
        if taken is not None and taken > self.limits.memory_mb:
            raise self.limits.memory_error(self._name)


class Reporter:
    """The child's end: tells the parent how far the work is, and what the file holds.

    Args:
        channel: to the parent.
        limits: of the file that is worked on; None: they do not depend on it.
    """

    def __init__(self, channel: Connection[Any, Any], limits: FileLimits | None = None) -> None:
        self._channel, self._limits, self._last = channel, limits, 0.0

    def __call__(self, value: Any) -> None:
        """Tell how far the work is; what comes within `REPORT_SECONDS` of the last is left out."""
        now = time.monotonic()
        if now - self._last >= REPORT_SECONDS:
            self._last = now
            self.send("progress", value)

    def send(self, kind: str, value: Any) -> None:
        """Send any message."""
        self._channel.send((kind, value))

    def allow(self, path: Path, seconds: float) -> None:
        """Have the limits grow with the length, seconds, that a file declares, as far as its size bears that out."""
        if self._limits is not None:
            limits = self._limits.for_media(seconds, path.stat().st_size)
            limit_cpu(limits.cpu_seconds)
            self.send("limits", limits)


def limit_cpu(seconds: float | None) -> None:
    """Let this process use that many more seconds of processor time; then the system ends it. Not on Windows."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if seconds is None:
        soft = hard
    else:
        soft = int(time.process_time() + seconds) + 1
        soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def portable(error: Exception) -> Exception:
    """The same error if it survives the way between processes, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a foreign error's pickling raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Processes that are started within are out of Ctrl-C's reach from their first moment on; here it waits so long."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # when it starts, it lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(target: Callable[..., None], channel: Connection[Any, Any], *args: Any) -> None:
    """The life of a child process."""
    if sys.platform != "win32":
        import resource

        os.setsid()  # a group of its own: what it starts is ended with it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU):  # a spawned process inherits what is ignored
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what to do
    threading.Thread(target=_end_with_parent, daemon=True).start()
    target(channel, *args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def memory_mb(pid: int) -> float | None:
    """Resident memory of a process and all below it, MB (10^6 bytes); None where the system does not tell.

    Linux tells in /proc, other Unix systems by `ps`; of Windows it is not known.
    """
    if (_PROC / "self" / "statm").exists():
        return sum(map(_resident_bytes, _with_children(pid))) / 1e6
    return None if sys.platform == "win32" else _by_ps(pid)


def _resident_bytes(pid: int) -> int:
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):  # it ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for parent in found:  # grows meanwhile
        for listed in (_PROC / str(parent) / "task").glob("*/children"):
            with suppress(OSError):
                found += map(int, listed.read_text().split())
    return found


def _by_ps(pid: int) -> float | None:
    try:
        listed = subprocess.run(
            ["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, timeout=5, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    children, kilobytes = defaultdict(list), defaultdict(int)
    for line in listed.splitlines():
        child, parent, resident = map(int, line.split()[:3])
        children[parent].append(child)
        kilobytes[child] = resident
    found = [pid]
    for parent in found:
        found += children[parent]
    return sum(kilobytes[one] for one in found) * 1024 / 1e6
