"""What one file may cost: time, processor time and memory. All default values are here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.core.errors import MemoryLimitError, TimeLimitError, UsageError

BASE_SECONDS: Final = 300.0
BASE_CPU_SECONDS: Final = 60.0
"""For what does not depend on length: imports, loading models."""
MEMORY_MB: Final = 3000.0
"""About eight times what three hours take with the default model; enough for torch with OWL-ViT."""
SOUND_CPU: Final = 2.0
"""Processor seconds a second of media, for its sound: about 20 times what the default model takes."""
PICTURES_CPU: Final = 20.0
"""The same for its pictures: decoding, looking, drawing and encoding 4K with one thread."""
SOUND_BYTES: Final = 100.0
PICTURES_BYTES: Final = 50_000.0
"""Bytes that a second of media has at least for its full allowance. A header can declare any length, so that a file of
a few kilobytes must not get hours of processor time."""
UNDECLARED_BYTES: Final = 2000.0
"""Bytes a second, where a file declares no length (browsers write such recordings)."""
LONGEST_SECONDS: Final = 24 * 3600.0
"""More media than this adds no allowance."""
MOST: Final = 1e9
"""Above any limit that makes sense, and a number that every system takes."""
CLOCK_PER_CPU: Final = 5.0
"""Seconds by the clock for each second of processor time: the machine may be busy, the disk slow."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may cost; None is no limit.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of processor time, all threads together.
        memory_mb: resident memory of the process and its children, MB (10^6 bytes).

    Raises:
        UsageError: a limit that is not above 0.
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
        """What to raise when work on `name` took too long."""
        allowed = [f"{self.seconds:.0f} s by the clock"] if self.seconds is not None else []
        allowed += [f"{self.cpu_seconds:.0f} s of processor time"] if self.cpu_seconds is not None else []
        return TimeLimitError(
            f"{name}: stopped, it took more than {' or '.join(allowed)}; if it plays as it should, raise "
            "--max-seconds, else leave it out"
        )

    def memory_error(self, name: str) -> MemoryLimitError:
        """What to raise when work on `name` took too much memory."""
        allowed = "there is" if self.memory_mb is None else f"{self.memory_mb:.0f} MB"
        return MemoryLimitError(
            f"{name}: stopped, it took more memory than {allowed}; if it plays as it should, raise --max-memory, else "
            "leave it out"
        )


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Limits that grow with what a file holds, except where they are fixed.

    Attributes:
        seconds: fixed limit of time, by the clock and of each thread's processor time; None: by length.
        memory_mb: as in `Limits`.
        threads: processor threads that the work may use.
        most_seconds: no limit of time, whether by the clock or of processor time, grows beyond this.
    """

    seconds: float | None = None
    memory_mb: float | None = MEMORY_MB
    threads: int = 1
    most_seconds: float = MOST / 2

    def __post_init__(self) -> None:
        self.start()  # says which value is not possible

    def start(self) -> Limits:
        """Limits while nothing is known about the file."""
        return self.for_media(0.0, 0)

    def for_media(self, seconds: float, size: int) -> Limits:
        """Limits for a file.

        Args:
            seconds: declared length; 0 if it declares none.
            size: bytes.
        """
        if self.seconds is not None:
            return Limits(self.seconds, min(self.seconds * self.threads, self.most_seconds), self.memory_mb)
        length = min(LONGEST_SECONDS, seconds if seconds > 0 else size / UNDECLARED_BYTES)
        credit = SOUND_CPU * min(length, size / SOUND_BYTES) + PICTURES_CPU * min(length, size / PICTURES_BYTES)
        clock, cpu = BASE_SECONDS + CLOCK_PER_CPU * credit, (BASE_CPU_SECONDS + credit) * self.threads
        return Limits(min(clock, self.most_seconds), min(cpu, self.most_seconds), self.memory_mb)
