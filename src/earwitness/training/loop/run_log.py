"""The log of a run: JSON lines, trackers on request, and the terminal."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from earwitness.core.errors import unwritable
from earwitness.core.files.atomic import atomic_file
from earwitness.training.loop.trackers import TensorBoardTracker, TrackedRun, Tracker, TrackerGroup


class NullLog:
    """Log of the processes other than the first: writes nothing."""

    def __enter__(self) -> NullLog:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, step: int, kind: str, **values: float) -> None:
        """Ignore the values."""


class RunLog:
    """Log of one run; `log.jsonl` is truncated to the step from which a resumed run starts.

    Args:
        folder: of the run.
        start: step at which the run starts or resumes.
        steps: total number of optimizer steps.
        tensorboard: also write TensorBoard files.
        trackers: also send everything to these.
        recipe: the recipe as plain values, for the trackers.
    """

    def __init__(
        self,
        folder: Path,
        start: int,
        steps: int,
        *,
        tensorboard: bool,
        trackers: Sequence[Tracker] = (),
        recipe: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = folder / "log.jsonl"
        self._keep_before(start, done=start == steps)
        self._file = self.path.open("a", encoding="utf-8")
        self._progress: Progress | None = None
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._progress = Progress(
                *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)
            )
            self._task = self._progress.add_task("training", total=steps, completed=start)
        self.steps, self._began, self._start = steps, time.monotonic(), start
        own = [TensorBoardTracker()] if tensorboard else []
        self._trackers = TrackerGroup([*own, *trackers], self._say)
        values = recipe or {}
        self._trackers.begin(TrackedRun(str(values.get("name", folder.name)), folder, values, start))

    def _keep_before(self, start: int, *, done: bool) -> None:
        """Drop lines that will be written again: steps after `start`, and the last validation of a finished run."""
        if not self.path.is_file():
            return
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        whole = [(line, *entry) for line in lines if (entry := _entry(line)) is not None]
        kept = [
            line for line, step, kind in whole if step <= start and not (done and step == start and kind == "valid")
        ]
        with atomic_file(self.path) as temporary:
            temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def __enter__(self) -> RunLog:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()
        self._trackers.end(finished=error is None)
        with suppress(OSError) if error is not None else nullcontext():  # close fails again if a write failed
            self._file.close()

    def write(self, step: int, kind: str, **values: float) -> None:
        """Write the `values` of `step` under `kind`, train or valid; values that are not finite become null."""
        plain = {name: value if math.isfinite(value) else None for name, value in values.items()}
        try:
            self._file.write(json.dumps({"step": step, "kind": kind, **plain}) + "\n")
            self._file.flush()
        except OSError as error:
            raise unwritable(self.path, error) from None
        self._trackers.log(step, kind, values)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self._progress:
            self._progress.update(self._task, completed=step, description=f"{kind}  {shown}")
            if kind != "train":
                self._progress.console.print(f"step {step}  {kind}  {shown}")
        else:
            print(f"step {step}/{self.steps}  {kind}  {shown}  {self._remaining(step)}", file=sys.stderr, flush=True)

    def _say(self, text: str) -> None:
        if self._progress:
            self._progress.console.print(f"earwitness: {text}", markup=False, soft_wrap=True)
        else:
            print(f"earwitness: {text}", file=sys.stderr, flush=True)

    def _remaining(self, step: int) -> str:
        done = max(step - self._start, 1)
        minutes = (time.monotonic() - self._began) / done * (self.steps - step) / 60
        return f"({minutes:.0f} min left)"


def _entry(line: str) -> tuple[int, str] | None:
    """Step and kind of a line; None for a truncated or foreign line."""
    try:
        values = json.loads(line)
        return int(values["step"]), str(values["kind"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
