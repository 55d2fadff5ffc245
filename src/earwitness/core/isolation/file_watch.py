"""Limits on the work on one file within this process: data sets and banks have too many files for a process each."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

from earwitness.core.isolation.child_process import memory_mb
from earwitness.core.isolation.process_limits import FileLimits, Limits

_T = TypeVar("_T")
_CHECK_SECONDS: Final = 0.5
"""CPU time between two checks."""


@contextmanager
def limits_for(path: Path, limits: FileLimits | None = None) -> Iterator[None]:
    """Limit CPU time and memory of the work on a file that is done inside the `with` block.

    A timer that counts CPU time interrupts the work between two calls into libraries: within a packet of sound or a
    picture. It needs the main thread of a process on Unix, where worker processes do their work; elsewhere there is no
    limit.

    Args:
        path: the file; its size determines the CPU time.
        limits: by default as for `earwitness detect`.

    Raises:
        TimeLimitError: the work took more CPU time than the file may cost.
        MemoryLimitError: the process grew by more than the limit.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    size = path.stat().st_size if path.is_file() else 0
    watch = _Watch(str(path), (limits or FileLimits()).for_media(0.0, size))
    handler = signal.signal(signal.SIGPROF, watch.check)
    timer = signal.setitimer(signal.ITIMER_PROF, _CHECK_SECONDS, _CHECK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, *timer)  # first, so that no signal finds the old handler
        signal.signal(signal.SIGPROF, handler)


def each_within_limits(path: Path, items: Iterable[_T], limits: FileLimits | None = None) -> Iterator[_T]:
    """Iterate over what is made from a file; the limits apply to each item, not to what the caller does with it."""
    iterator = iter(items)
    while True:
        with limits_for(path, limits):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


class _Watch:
    """Compares the use of this process with the limits."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._start, self._memory = time.process_time(), memory_mb(os.getpid()) or 0.0

    def check(self, _number: int, _frame: FrameType | None) -> None:
        """Signal handler.

        Raises:
            TimeLimitError, MemoryLimitError: as in `limits_for`.
        """
        limits = self._limits
        if limits.cpu_seconds is not None and time.process_time() - self._start > limits.cpu_seconds:
            raise limits.time_error(self._name)
        if limits.memory_mb is not None and (memory_mb(os.getpid()) or 0.0) - self._memory > limits.memory_mb:
            raise limits.memory_error(self._name)
