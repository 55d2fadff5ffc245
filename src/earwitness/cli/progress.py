"""How far a long run is and how long it will take: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_SECONDS: Final = 30.0


class Meter:
    """Reports on stderr; a context manager."""

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
        """Take it away."""
        if self._bar is not None:
            self._bar.stop()

    def task(self, name: str) -> Callable[[int, int], None]:
        """What to call with (done, in all) while the task `name` goes on."""
        if self._bar is not None:
            bar, number = self._bar, self._bar.add_task(name, total=None)
            return lambda done, total: bar.update(number, completed=done, total=total)
        begin, said = self._clock(), self._clock()

        def report(done: int, total: int) -> None:
            nonlocal said
            now = self._clock()
            if now - said >= LINE_SECONDS or done == total:
                said = now
                left = round((now - begin) / max(done, 1) * (total - done))
                rest = f", {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left" if done < total else ""
                self._console.print(f"{name} {done} of {total}{rest}", highlight=False)

        return report
