"""Limits on the time, CPU time and memory for processing one file, with all default values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.core.errors import MemoryLimitError, TimeLimitError, UsageError

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
