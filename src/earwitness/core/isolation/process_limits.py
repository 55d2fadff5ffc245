"""Limits on the time, CPU time and memory for processing one file, and their enforcement within this process.

Data sets and banks have too many files to start a process for each of them.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

from earwitness.core.errors import MemoryLimitError, TimeLimitError, UsageError
from earwitness.core.memory import memory_mb

BASE_SECONDS: Final = 300.0
BASE_CPU_SECONDS: Final = 60.0
"""Allowance for work that does not depend on the length of the media: imports, loading models."""
MEMORY_MB: Final = 3000.0
"""About eight times the use of the default model on three hours of sound; enough for torch with OWL-ViT."""
SOUND_CPU: Final = 2.0
"""CPU seconds per second of sound: about 20 times the use of the default model."""
PICTURES_CPU: Final = 20.0
"""CPU seconds per second of video: decoding, visual analysis, drawing and encoding 4K with one thread."""
SOUND_BYTES: Final = 100.0
PICTURES_BYTES: Final = 50_000.0
"""Minimum bytes per second of media for the full allowance. A header can declare any length, and a file of a few
kilobytes must not get hours of CPU time."""
UNDECLARED_BYTES: Final = 2000.0
"""Assumed bytes per second of a file that declares no length, such as recordings made by browsers."""
LONGEST_SECONDS: Final = 24 * 3600.0
"""The allowance does not grow beyond this length."""
MOST: Final = 1e9
"""Above any sensible limit, and small enough for every system."""
CLOCK_PER_CPU: Final = 5.0
"""Seconds of elapsed time per second of CPU time, for busy machines and slow disks."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one call; None means no limit.

    Attributes:
        seconds: elapsed time.
        cpu_seconds: CPU time, summed over all threads.
        memory_mb: resident memory of the process and its children, MB (10^6 bytes).

    Raises:
        UsageError: a limit that is not above 0 and below `MOST`.
    """

    seconds: float | None = BASE_SECONDS
    cpu_seconds: float | None = BASE_CPU_SECONDS
    memory_mb: float | None = MEMORY_MB

    def __post_init__(self) -> None:
        for name in ("seconds", "cpu_seconds", "memory_mb"):
            value = getattr(self, name)
            if value is not None and not 0 < value < MOST:
                raise UsageError(f"a limit must be above 0 and below {MOST:g}; {name} is {value:g}")

    def time_error(self, name: str) -> TimeLimitError:
        """Error for input `name` that took too long."""
        allowed = [f"{self.seconds:.0f} s of elapsed time"] if self.seconds is not None else []
        allowed += [f"{self.cpu_seconds:.0f} s of CPU time"] if self.cpu_seconds is not None else []
        return TimeLimitError(
            f"{name}: stopped after more than {' or '.join(allowed)}; if the file plays correctly, raise "
            "--max-seconds, else leave it out"
        )

    def memory_error(self, name: str) -> MemoryLimitError:
        """Error for input `name` that took too much memory."""
        allowed = "is available" if self.memory_mb is None else f"{self.memory_mb:.0f} MB"
        return MemoryLimitError(
            f"{name}: stopped, it took more memory than {allowed}; if the file plays correctly, raise --max-memory, "
            "else leave it out"
        )


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Limits that grow with the length of a file.

    Attributes:
        seconds: fixed limit of elapsed time and of each thread's CPU time; None: computed from the length.
        memory_mb: as in `Limits`.
        threads: number of threads that may be used.
        most_seconds: upper bound of elapsed time and of CPU time.
    """

    seconds: float | None = None
    memory_mb: float | None = MEMORY_MB
    threads: int = 1
    most_seconds: float = MOST / 2

    def __post_init__(self) -> None:
        self.start()  # raises an error for an invalid value

    def start(self) -> Limits:
        """Limits as long as nothing is known about the file."""
        return self.for_media(0.0, 0)

    def for_media(self, seconds: float, size: int) -> Limits:
        """Limits for a file.

        Args:
            seconds: declared length; 0 if unknown.
            size: size in bytes.
        """
        if self.seconds is not None:
            return Limits(self.seconds, min(self.seconds * self.threads, self.most_seconds), self.memory_mb)
        length = min(LONGEST_SECONDS, seconds if seconds > 0 else size / UNDECLARED_BYTES)
        credit = SOUND_CPU * min(length, size / SOUND_BYTES) + PICTURES_CPU * min(length, size / PICTURES_BYTES)
        clock, cpu = BASE_SECONDS + CLOCK_PER_CPU * credit, (BASE_CPU_SECONDS + credit) * self.threads
        return Limits(min(clock, self.most_seconds), min(cpu, self.most_seconds), self.memory_mb)


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
