"""The run of `detect` that its options describe, and what it prints in the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from earwitness.batch.formats import Options, parse_formats
from earwitness.batch.jobs import (
    INCREMENTAL_SUFFIX,
    RESULT_SUFFIX,
    AlreadyDone,
    BatchSettings,
    Done,
    Failure,
    Job,
    run_journaled,
)
from earwitness.batch.journal import Journal
from earwitness.batch.planning import Plan, dcase_formats, plan, plan_dcase
from earwitness.batch.saving import check_table, combined_table
from earwitness.batch.workers import run_workers
from earwitness.cli.command import check_fov, needs, one_of, own_weights, say
from earwitness.cli.detect import DetectOptions
from earwitness.core.errors import (
    EarwitnessError,
    EncoderError,
    MissingExtraError,
    ModelError,
    NotStereoError,
    UsageError,
    one_line,
)
from earwitness.core.files.lock import locked_folder
from earwitness.core.isolation import FileLimits
from earwitness.detect.detect_settings import LABELS, DetectSettings
from earwitness.detect.detector import Detector
from earwitness.detect.model.loading import LoadOptions
from earwitness.detect.runner.runtime import check_device
from earwitness.encoders.protocol import ENCODERS
from earwitness.encoders.words import WORDS
from earwitness.export.captions.caption_words import STYLES
from earwitness.export.views import MOST_ROWS, clock, event_table
from earwitness.media.containers.sound_tracks import parse_track
from earwitness.media.sound.conversion import LAYOUTS
from earwitness.render.video import MARKER_STYLES
from earwitness.results.detection import Detection
from earwitness.results.saved import read_result
from earwitness.results.selection import left_out_sentence

ENGINES = ("local", "ray")


def detect_files(options: DetectOptions) -> int:
    """Process all files, write their results and print what was found.

    Returns:
        Number of inputs that failed.

    Raises:
        UsageError: options that are not possible, or do not go together.
    """
    _check_combinations(options)
    batch, limits, load = batch_settings(options), file_limits(options), loader(options)
    with locked_folder(options.out, "earwitness detect"):
        todo = planned(options, batch)
        for problem in (*todo.problems, *(failure.reason for failure in todo.failures)):
            say(problem)
        for note in () if options.quiet else todo.left_out:
            say(note)
        failed = len(todo.failures)
        if todo.jobs:
            try:
                detector = load()
            except (ModelError, EncoderError, MissingExtraError) as error:  # an option is wrong, not an input
                raise UsageError(str(error)) from error
            sounds = detector.plan(batch.detect)
            if options.grow:
                sounds.only_classes("--grow")
            if sounds.note and not options.quiet:
                say(sounds.note)
            record = detector.record() | {"batch": batch.record()} | sounds.record
            detector.unload()  # loaded to check the model and for its record; workers load their own
            failed += _process(options, batch, limits, load, todo, Journal(options.out, record, again=options.again))
    return failed


def batch_settings(options: DetectOptions) -> BatchSettings:
    """Check what applies to each file, and return it.

    Raises:
        UsageError: a value is not possible.
    """
    style = Options(captions=one_of("--captions", options.captions, STYLES), language=options.language)
    style.check()
    if options.table is not None:
        check_table(options.table)
    try:
        if options.dcase is not None:
            formats = dcase_formats(options.formats, style)
        else:
            formats = parse_formats(["csv,json", *options.formats], style)
    except MissingExtraError as error:  # found now, before hours of processing
        raise UsageError(str(error)) from error
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise UsageError(f"--threshold must lie in 0..1, not {options.threshold:g}")
    check_fov(options.fov)
    one_of("--layout", options.layout, LAYOUTS)
    one_of("--labels", options.labels, LABELS)
    values = _shared(options, DetectSettings) | {"track": parse_track(options.track)}
    markers, detect = one_of("--style", options.style, MARKER_STYLES), DetectSettings(**values)
    return BatchSettings(formats, options.render, detect, options.grow, options.clips, markers)


def file_limits(options: DetectOptions) -> FileLimits:
    """Limits of each file.

    Raises:
        UsageError: a limit is not above 0.
    """
    return FileLimits(options.max_seconds, options.max_memory, max(1, options.threads))


def loader(options: DetectOptions) -> partial[Detector]:
    """Return a picklable function that loads the detector.

    Raises:
        UsageError: the device or an encoder is unknown.
    """
    checked = {"device": check_device(options.device), "weights": own_weights(options.weights, (*ENCODERS, WORDS))}
    values = _shared(options, LoadOptions) | checked | {"classes": options.classes, "exclude": options.exclude}
    return partial(Detector.load, options.model, vision=None if options.no_vision else options.vision, **values)


def planned(options: DetectOptions, batch: BatchSettings) -> Plan:
    """Find the files to process and name their results."""
    if options.dcase is not None:
        splits = tuple(filter(None, (options.splits or "").split(",")))
        return plan_dcase(options.dcase, options.out, batch.suffixes, splits)
    growing = (INCREMENTAL_SUFFIX,) if options.grow else ()
    return plan(options.inputs, options.out, (*batch.suffixes, *growing))


def _shared(options: DetectOptions, settings: type[DetectSettings | LoadOptions]) -> dict[str, Any]:
    """The options that are fields of `settings` too."""
    return {one.name: getattr(options, one.name) for one in fields(settings) if hasattr(options, one.name)}


def _check_combinations(options: DetectOptions) -> None:
    if bool(options.inputs) == (options.dcase is not None):
        raise UsageError("name INPUT files, or a data set with --dcase; not both")
    if options.splits is not None and options.dcase is None:
        raise UsageError("--splits names splits of a data set; give --dcase too")
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out {options.out} is a file; name a folder")
    one_of("--engine", options.engine, ENGINES)
    if options.dcase is not None and (options.clips or options.table is not None):
        raise UsageError("--clips and --table go with INPUT files, not with --dcase")
    if options.address is not None and options.engine != "ray":
        raise UsageError("--address names a Ray cluster; give --engine ray too")


def _process(
    options: DetectOptions, batch: BatchSettings, limits: FileLimits, load: partial[Detector], todo: Plan,
    journal: Journal,
) -> int:  # fmt: skip
    """Process the files that are not finished yet; returns how many failed."""
    with BatchView(todo, options.out, quiet=options.quiet) as view:

        def run(due: Sequence[Job]) -> Iterator[Done | Failure]:
            # Each file has its own process: a crashing codec or an endless file must not affect other files.
            if options.engine != "ray":
                return run_workers(load, due, batch, options.jobs, view.progress, limits)
            with needs("--engine ray", "ray"):
                import ray  # noqa: F401 - to name the missing extra before any work begins
            from earwitness.batch.workers import run_on_ray

            return run_on_ray(load, due, batch, options.jobs, options.address, limits)

        finished: dict[Path, Path] = {}
        for result in run_journaled(todo.jobs, journal, run, batch.suffixes):
            view.show(result)
            if not isinstance(result, Failure):
                finished[result.job.source] = result.job.result(RESULT_SUFFIX)
    if options.table is not None:
        combined_table([finished[job.source] for job in todo.jobs if job.source in finished], options.table)
    return view.failed


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
