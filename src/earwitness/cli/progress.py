"""Progress and remaining time of a long run: a bar on a terminal, an occasional line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_SECONDS: Final = 30.0


class Meter:
    """A context manager that reports progress on stderr."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._bar: Progress | None = None
        if self._console.is_terminal:
            left = (TextColumn("left"), TimeRemainingColumn())
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), *left)
            self._bar = Progress(*columns, console=self._console)

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def task(self, name: str) -> Callable[[int, int], None]:
        """Begin the task `name`; returns a function to call with (done, total)."""
        if self._bar is not None:
            bar, number = self._bar, self._bar.add_task(name, total=None)
            return lambda done, total: bar.update(number, completed=done, total=total)
        begin, printed = self._clock(), self._clock()

        def report(done: int, total: int) -> None:
            nonlocal printed
            now = self._clock()
            if now - printed >= LINE_SECONDS or done == total:
                printed = now
                left = round((now - begin) / max(done, 1) * (total - done))
                rest = f", {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left" if done < total else ""
                self._console.print(f"{name} {done} of {total}{rest}", highlight=False)

        return report
