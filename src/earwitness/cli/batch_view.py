"""Terminal output of a batch: a progress bar, a table for each file, problems and a summary."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from earwitness.batch.jobs import AlreadyDone, Done, Failure, Job
from earwitness.batch.planning import Plan
from earwitness.cli.command import say
from earwitness.core.errors import EarwitnessError, NotStereoError, one_line
from earwitness.export.tables.views import MOST_ROWS, clock, event_table
from earwitness.results.detection import Detection
from earwitness.results.saved import read_result
from earwitness.results.selection import left_out_sentence


class BatchView:
    """Shows the progress of a batch; prints a summary when the `with` block ends.

    Args:
        todo: the batch.
        out: output folder.
        quiet: print problems only.
    """

    def __init__(self, todo: Plan, out: Path, *, quiet: bool) -> None:
        self._todo, self._out, self._quiet = todo, out, quiet
        self._console = Console(highlight=False)
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn(compact=True))
        # A progress bar would fill a log file with control characters.
        hidden = quiet or not self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, transient=True, disable=hidden)
        self._task = self._bar.add_task("", total=len(todo.jobs))
        self._shares: dict[Job, float] = {}
        self._finished = 0
        self._kept = 0  # files finished by an earlier run
        self._done: list[tuple[float, int, tuple[Path, ...]]] = []  # seconds, events, files
        self._vision_off_reason = ""
        self.failed = 0

    def __enter__(self) -> Self:
        self._begun = time.perf_counter()
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt:
            complete = len(self._done) + self._kept
            say(
                f"stopped; the results of {complete} of {len(self._todo.jobs)} files are complete; "
                "run the same command again to continue"
            )
        elif kind is None and not self._quiet:
            self._summary()

    def progress(self, job: Job, share: float) -> None:
        """Update the progress of a file, 0..1."""
        self._shares[job] = share
        self._bar.update(
            self._task,
            completed=self._finished + sum(self._shares.values()),
            description=one_line(job.source.name)[:30],
        )

    def show(self, result: Done | Failure | AlreadyDone) -> None:
        """Print the result of a file."""
        self._finished += 1
        if isinstance(result, Failure):
            self._shares = {job: share for job, share in self._shares.items() if job.source != result.source}
            self.failed += 1
            say(result.reason + (" (--mono)" if isinstance(result.error, NotStereoError) else ""))
        elif isinstance(result, AlreadyDone):
            self._kept += 1
            self._show_kept(result)
        else:
            self._shares.pop(result.job, None)
            detection = result.detection
            self._done.append((detection.duration, len(detection.events), result.written))
            self._vision_off_reason = self._vision_off_reason or detection.vision_off_reason
            for warning in detection.warnings:
                say(f"{result.job.source}: warning: {warning}")
            for note in result.notes:
                say(note)
            self._events(result.job, detection, result.written)
        self._bar.update(self._task, completed=self._finished + sum(self._shares.values()))

    def _show_kept(self, result: AlreadyDone) -> None:
        """Print the events of a finished file, if it is the only one; the summary counts the others."""
        if self._quiet or len(self._todo.jobs) > 1:
            return
        try:
            detection = read_result(result.job.result(".json"), result.job.source)
        except EarwitnessError:  # the JSON was edited; the file still counts as finished
            return
        self._events(result.job, detection, result.written)

    def _events(self, job: Job, detection: Detection, written: tuple[Path, ...]) -> None:
        if self._quiet:
            return
        console = self._console
        console.print(f"\n{one_line(str(job.source))}", style="bold", markup=False, soft_wrap=True)
        events = len(detection.events)
        if events:
            console.print(event_table(detection, console.width))
        else:
            console.print("  no sound events found")
        if detection.left_out:
            console.print(f"  {left_out_sentence(detection)}", markup=False, soft_wrap=True)
        if events > MOST_ROWS:
            where = one_line(str(written[0]))
            console.print(f"  ... and {events - MOST_ROWS} more: see {where}", markup=False, soft_wrap=True)

    def _summary(self) -> None:
        console, elapsed = self._console, time.perf_counter() - self._begun
        seconds = sum(duration for duration, _, _ in self._done)
        events = sum(count for _, count, _ in self._done)
        files = [path for _, _, written in self._done for path in written]
        if self._done or not self._kept:
            found = f"{events} events in {clock(seconds)} of sound, {len(self._done)} of {len(self._todo.jobs)} files"
            console.print(f"\n{found}, {seconds / max(elapsed, 1e-9):.0f} times real time", soft_wrap=True)
        if self._kept:
            which = "the file is" if self._kept == len(self._todo.jobs) == 1 else f"{self._kept} files are"
            console.print(f"{which} unchanged since an earlier run (--again processes all anew)", soft_wrap=True)
        if self._vision_off_reason:
            reason = one_line(self._vision_off_reason)
            console.print(f"pictures were not analysed: {reason}", markup=False, soft_wrap=True)
        if len(self._done) == 1:
            console.print("written: " + one_line(", ".join(map(str, files))), markup=False, soft_wrap=True)
        elif self._done:
            console.print(f"written: {len(files)} files in {one_line(str(self._out))}", markup=False, soft_wrap=True)
        if self._todo.clashes:
            names = one_line(", ".join(self._todo.clashes[:5])) + (", ..." if len(self._todo.clashes) > 5 else "")
            note = f"files of the same name have results in subfolders or with their extension: {names}"
            console.print(note, markup=False, soft_wrap=True)
