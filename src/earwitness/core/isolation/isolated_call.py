"""Calls one function in a separate process."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.connection import Connection
from threading import Event
from typing import Any, Final, TypeVar

from earwitness.core.errors import CancelledError, WorkerError
from earwitness.core.isolation.child_process import Child, Reporter, Watch, limit_cpu, portable
from earwitness.core.isolation.process_limits import FileLimits, Limits

Result = TypeVar("Result")

_POLL_SECONDS: Final = 0.1


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
