"""One call in a process of its own."""

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
    """Call `function(*args)` in a process of its own and wait for what it returns.

    The process is started anew ("spawn"), so that the module of the main program must be importable without effects.
    However this ends, also by KeyboardInterrupt, the process and its children are gone afterwards.

    Args:
        function: a function of a module. Where `on_progress` is given, it is called with `report=Reporter`: what it
            reports arrives at `on_progress`, and `report.allow(path, seconds)` has `FileLimits` grow with a file.
        args: must be picklable, as the result.
        limits: by default `Limits()`.
        cancelled: when it is set, the work is ended within half a second.
        name: what is worked on, for messages; say, a file's name.

    Raises:
        TimeLimitError, MemoryLimitError: a limit was reached.
        CancelledError: `cancelled` was set.
        WorkerError: the process died, as by a crash in a codec.
        Exception: what the function raised.
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
    """What to say about a process that died while it worked on `name`."""
    return (
        f"{name}: the process that read it {child.death()}, most likely by a crash on this file or for want of memory; "
        "leave it out"
    )


def _call(
    channel: Connection[Any, Any], function: Callable[..., Any], args: tuple[Any, ...], limits: Limits | FileLimits,
    with_report: bool,
) -> None:  # fmt: skip
    """The child's life."""
    grows = limits if isinstance(limits, FileLimits) else None
    start = limits.start() if isinstance(limits, FileLimits) else limits
    limit_cpu(start.cpu_seconds)
    answer: tuple[str, Any]
    try:
        if with_report:
            answer = ("result", function(*args, report=Reporter(channel, grows)))
        else:
            answer = ("result", function(*args))
    except MemoryError:  # the system refused before the watch saw anything
        answer = ("error", start.memory_error("the work"))
    except Exception as error:  # the parent raises it as if it had happened there
        answer = ("error", portable(error))
    channel.send(answer)
