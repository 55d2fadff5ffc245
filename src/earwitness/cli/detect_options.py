"""The settings of `detect`, and the run that they describe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from earwitness.batch.dcase_detection import dcase_formats, plan_dcase
from earwitness.batch.formats import Options, parse_formats
from earwitness.batch.jobs import INCREMENTAL_SUFFIX, BatchSettings, Done, Failure, Job, run_journaled
from earwitness.batch.journal import Journal
from earwitness.batch.planning import Plan, plan
from earwitness.batch.workers import run_workers
from earwitness.cli.batch_view import BatchView
from earwitness.cli.choices import check_fov, one_of
from earwitness.cli.extras import needs
from earwitness.cli.say import say
from earwitness.core.errors import EncoderError, MissingExtraError, ModelError, UsageError
from earwitness.core.files.lock import locked_folder
from earwitness.core.isolation import FileLimits
from earwitness.detect.detector import Detector
from earwitness.detect.runner.runtime import check_device
from earwitness.export.captions.caption_words import STYLES
from earwitness.media.containers.sound_tracks import parse_track
from earwitness.media.sound.ambisonics import LAYOUTS

ENGINES = ("local", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectOptions:
    """The options of `detect`, unchecked; `detect_files` checks them.

    Attributes:
        inputs: files, folders and globs.
        dcase: data set whose evaluation clips take the place of `inputs`.
        out: folder of the results.
        formats: formats besides csv and json; each entry may be a list with commas.
        captions: caption style.
        model, device, modalities, threads: as in `Detector.load`.
        vision: visual detector; None analyses sound only.
        threshold, mono, swap_channels, track, layout: as in `Detector.detect`.
        render: whether to write an annotated video.
        fov: horizontal field of view of the camera, degrees.
        grow: whether to write the events found so far while a file is processed.
        jobs: files processed at the same time.
        engine: where files are processed, one of `ENGINES`.
        address: address of a running Ray cluster.
        max_seconds, max_memory: limits of each file, seconds and MB.
        again: whether to process files that an earlier run has finished.
        quiet: whether to print problems only.
    """

    inputs: tuple[str, ...] = ()
    dcase: Path | None = None
    out: Path = Path("earwitness-out")
    formats: tuple[str, ...] = ()
    captions: str = "terse"
    model: str = "default"
    device: str = "auto"
    modalities: str | None = None
    threads: int = 1
    vision: str | None = "auto"
    threshold: float | None = None
    mono: bool = False
    swap_channels: bool = False
    track: str = "auto"
    layout: str = "auto"
    render: bool = False
    fov: float = 100.0
    grow: bool = False
    jobs: int = 1
    engine: str = "local"
    address: str | None = None
    max_seconds: float | None = None
    max_memory: float = 3000.0
    again: bool = False
    quiet: bool = False

    def batch(self) -> BatchSettings:
        """Check what applies to each file, and return it.

        Raises:
            UsageError: a value is not possible.
        """
        options = Options(captions=one_of("--captions", self.captions, STYLES))
        try:
            if self.dcase is not None:
                formats = dcase_formats(self.formats, options)
            else:
                formats = parse_formats(["csv,json", *self.formats], options)
        except MissingExtraError as error:  # found now, before hours of processing
            raise UsageError(str(error)) from error
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"--threshold must lie in 0..1, not {self.threshold:g}")
        check_fov(self.fov)
        return BatchSettings(
            formats, self.render, self.fov, self.threshold, self.swap_channels, self.mono, parse_track(self.track),
            self.grow, one_of("--layout", self.layout, LAYOUTS),
        )  # fmt: skip

    def limits(self) -> FileLimits:
        """Limits of each file.

        Raises:
            UsageError: a limit is not above 0.
        """
        return FileLimits(self.max_seconds, self.max_memory, max(1, self.threads))

    def load(self) -> partial[Detector]:
        """Return a picklable function that loads the detector.

        Raises:
            UsageError: the device is unknown.
        """
        return partial(
            Detector.load, self.model, device=check_device(self.device), threads=self.threads,
            modalities=self.modalities, fov=self.fov, vision=self.vision,
        )  # fmt: skip

    def plan(self, batch: BatchSettings) -> Plan:
        """Find the files to process and name their results."""
        if self.dcase is not None:
            return plan_dcase(self.dcase, self.out, batch.suffixes)
        growing = (INCREMENTAL_SUFFIX,) if self.grow else ()
        return plan(self.inputs, self.out, (*batch.suffixes, *growing))


def detect_files(settings: DetectOptions) -> int:
    """Process all files, write their results and print what was found.

    Returns:
        Number of inputs that failed.

    Raises:
        UsageError: options that are not possible, or do not go together.
    """
    _check_combinations(settings)
    batch, limits, load = settings.batch(), settings.limits(), settings.load()
    with locked_folder(settings.out, "earwitness detect"):
        todo = settings.plan(batch)
        for problem in (*todo.problems, *(failure.reason for failure in todo.failures)):
            say(problem)
        for note in () if settings.quiet else todo.left_out:
            say(note)
        failed = len(todo.failures)
        if todo.jobs:
            try:
                detector = load()
            except (ModelError, EncoderError, MissingExtraError) as error:  # an option is wrong, not an input
                raise UsageError(str(error)) from error
            record = detector.record() | {"batch": batch.record()}
            detector.unload()  # loaded to check the model and for its record; workers load their own
            failed += _process(settings, batch, limits, load, todo, Journal(settings.out, record, again=settings.again))
    return failed


def _check_combinations(settings: DetectOptions) -> None:
    if bool(settings.inputs) == (settings.dcase is not None):
        raise UsageError("name INPUT files, or a data set with --dcase; not both")
    if settings.out.exists() and not settings.out.is_dir():
        raise UsageError(f"--out {settings.out} is a file; name a folder")
    one_of("--engine", settings.engine, ENGINES)
    if settings.address is not None and settings.engine != "ray":
        raise UsageError("--address names a Ray cluster; give --engine ray too")


def _process(
    settings: DetectOptions, batch: BatchSettings, limits: FileLimits, load: partial[Detector], todo: Plan,
    journal: Journal,
) -> int:  # fmt: skip
    """Process the files that are not finished yet; returns how many failed."""
    with BatchView(todo, settings.out, quiet=settings.quiet) as view:

        def run(due: Sequence[Job]) -> Iterator[Done | Failure]:
            # Each file has its own process: a crashing codec or an endless file must not affect other files.
            if settings.engine != "ray":
                return run_workers(load, due, batch, settings.jobs, view.progress, limits)
            with needs("--engine ray", "ray"):
                import ray  # noqa: F401 - to name the missing extra before any work begins
            from earwitness.batch.ray_workers import run_on_ray

            return run_on_ray(load, due, batch, settings.jobs, settings.address, limits)

        for result in run_journaled(todo.jobs, journal, run, batch.suffixes):
            view.show(result)
    return view.failed
