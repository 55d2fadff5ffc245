"""Child processes that ignore SIGINT, end with their parent, and can be killed by it; calls of functions in them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Event
from typing import Any, Final, TypeVar

from earwitness.core.errors import CancelledError, WorkerError
from earwitness.core.isolation.process_limits import FileLimits, Limits
from earwitness.core.memory import memory_mb

REPORT_SECONDS: Final = 0.2
"""Minimum interval between progress messages."""
CHECK_SECONDS: Final = 0.2
"""Interval between memory checks. The largest growth measured in this time is 300 MB."""
_KILL_SECONDS: Final = 2.0
"""Longest wait after SIGKILL. A process that is still there hangs in a system call and ends after it."""

Result = TypeVar("Result")

_POLL_SECONDS: Final = 0.1


class Child:
    """The parent's handle of a process that runs `target(channel, *args)`.

    Args:
        target: a module-level function; receives the other end of the channel.
        args: picklable arguments.
    """

    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.channel, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_begin, args=(target, theirs, *args), daemon=True)
        with _signals_blocked():
            self.process.start()
        theirs.close()  # so that the channel closes when the process ends

    def kill(self) -> None:
        """Kill the process and its children."""
        if self.process.pid is not None and self.process.is_alive() and sys.platform != "win32":
            with suppress(OSError):  # it has ended, or has no process group yet
                if os.getpgid(self.process.pid) == self.process.pid:
                    os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join(_KILL_SECONDS)
        self.channel.close()

    def death(self) -> str:
        """Describe how the process ended."""
        self.process.join(_KILL_SECONDS)
        code = self.process.exitcode
        return f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"

    @property
    def out_of_cpu(self) -> bool:
        """Whether the process was ended by its CPU time limit."""
        self.process.join(_KILL_SECONDS)
        return sys.platform != "win32" and self.process.exitcode == -signal.SIGXCPU


class Watch:
    """Checks the resources of a child process against its limits."""

    def __init__(self, child: Child, limits: Limits, name: str) -> None:
        self._child, self._name = child, name
        self._started, self._checked = time.monotonic(), 0.0
        self.limits = limits

    def check(self) -> None:
        """Check the limits; cheap enough to be called often.

        Raises:
            TimeLimitError, MemoryLimitError: a limit is exceeded.
        """
        now = time.monotonic()
        if self.limits.seconds is not None and now - self._started > self.limits.seconds:
            raise self.limits.time_error(self._name)
        if self.limits.memory_mb is None or now - self._checked < CHECK_SECONDS or self._child.process.pid is None:
            return
        self._checked = now
        taken = memory_mb(self._child.process.pid)
        if taken is not None and taken > self.limits.memory_mb:
            raise self.limits.memory_error(self._name)


class Reporter:
    """Sends progress and limits from the child to the parent.

    Args:
        channel: channel to the parent.
        limits: limits that grow with the processed file; None if they are fixed.
    """

    def __init__(self, channel: Connection[Any, Any], limits: FileLimits | None = None) -> None:
        self._channel, self._limits, self._last = channel, limits, 0.0

    def __call__(self, value: Any) -> None:
        """Send progress, at most every `REPORT_SECONDS`; other calls are ignored."""
        now = time.monotonic()
        if now - self._last >= REPORT_SECONDS:
            self._last = now
            self.send("progress", value)

    def send(self, kind: str, value: Any) -> None:
        """Send a message of any kind."""
        self._channel.send((kind, value))

    def allow(self, path: Path, seconds: float) -> None:
        """Raise the limits according to a file's declared length in seconds, as far as its size makes it plausible."""
        if self._limits is not None:
            limits = self._limits.for_media(seconds, path.stat().st_size)
            limit_cpu(limits.cpu_seconds)
            self.send("limits", limits)


def limit_cpu(seconds: float | None) -> None:
    """Limit this process to so many further seconds of CPU time; the system then ends it. No effect on Windows."""
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
    """The error itself if it can be pickled, else a RuntimeError with the same text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # pickling another library's error can raise anything
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block SIGINT, so that processes started in this context never receive it; here it is delayed until the end."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # starting it later would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(target: Callable[..., None], channel: Connection[Any, Any], *args: Any) -> None:
    """Entry point of the child process."""
    if sys.platform != "win32":
        import resource

        os.setsid()  # a new process group, so that its children are killed with it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU):  # spawned processes inherit ignored signals
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what to do
    threading.Thread(target=_end_with_parent, daemon=True).start()
    target(channel, *args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def run_isolated(
    function: Callable[..., Result],
    *args: Any,
    limits: Limits | FileLimits | None = None,
    on_progress: Callable[[Any], None] | None = None,
    cancelled: Event | None = None,
    name: str = "the work",
) -> Result:
    """Call `function(*args)` in a separate process and return its result.

    The process is started with "spawn", so the main module must be importable without side effects. The process and its
    children have always ended when this function returns or raises, also after KeyboardInterrupt.

    Args:
        function: a module-level function. If `on_progress` is given, it receives the argument `report`, a `Reporter`:
            `report(value)` calls `on_progress(value)`, `report.allow(path, seconds)` raises `FileLimits` for a file.
        args: picklable arguments; the result must be picklable too.
        limits: `Limits()` by default.
        on_progress: called in this process with each reported value.
        cancelled: set it to stop the call within half a second.
        name: name of the input for messages, such as a file name.

    Raises:
        TimeLimitError, MemoryLimitError: a limit is exceeded.
        CancelledError: `cancelled` was set.
        WorkerError: the process died, for example by a crash in a codec.
        Exception: any error that the function raised.
    """
    limits = limits or Limits()
    start = limits.start() if isinstance(limits, FileLimits) else limits
    child = Child(_call, function, args, limits, on_progress is not None)
    try:
        watch = Watch(child, start, name)
        while True:
            if cancelled is not None and cancelled.is_set():
                raise CancelledError(f"{name}: stopped")
            watch.check()
            if not connection.wait([child.channel], _POLL_SECONDS):
                continue
            try:
                kind, value = child.channel.recv()
            except (EOFError, OSError):
                if child.out_of_cpu:
                    raise watch.limits.time_error(name) from None
                raise WorkerError(death_message(name, child)) from None
            if kind == "result":
                return value  # type: ignore[no-any-return]
            if kind == "error":
                raise value
            if kind == "limits":
                watch.limits = value
            elif on_progress is not None:
                on_progress(value)
    finally:
        child.kill()


def death_message(name: str, child: Child) -> str:
    """Message for a process that died while it processed `name`."""
    return (
        f"{name}: the process that read it {child.death()}, most likely by a crash on this file or for lack of memory; "
        "leave the file out"
    )


def _call(
    channel: Connection[Any, Any], function: Callable[..., Any], args: tuple[Any, ...], limits: Limits | FileLimits,
    with_report: bool,
) -> None:  # fmt: skip
    """Entry point in the child."""
    grows = limits if isinstance(limits, FileLimits) else None
    start = limits.start() if isinstance(limits, FileLimits) else limits
    limit_cpu(start.cpu_seconds)
    answer: tuple[str, Any]
    try:
        if with_report:
            answer = ("result", function(*args, report=Reporter(channel, grows)))
        else:
            answer = ("result", function(*args))
    except MemoryError:  # the system refused memory before the limit was reached
        answer = ("error", start.memory_error("the work"))
    except Exception as error:  # raised again in the parent
        answer = ("error", portable(error))
    channel.send(answer)
