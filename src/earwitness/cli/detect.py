"""The verb `detect`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.cli.choices import folder_name
from earwitness.cli.say import say
from earwitness.cli.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from earwitness.batch.jobs import BatchSettings, Done, Failure, Job
    from earwitness.batch.planning import Plan
    from earwitness.cli.file_runner import FileRunner


def run(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT...", help="Video or audio files, folders or globs.")
    ] = None,
    dcase: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="In place of INPUT: the evaluation clips of a DCASE set, for a submission."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.", parser=folder_name, metavar="DIR")] = Path(
        "earwitness-out"
    ),
    format: Annotated[
        list[str] | None,
        typer.Option(
            help="Further formats besides csv and json, with commas: html, vtt, srt, audacity, elan, textgrid, rttm, "
            "jams, jsonl, parquet."
        ),
    ] = None,
    captions: Annotated[str, typer.Option(metavar="terse|full", help="Style of vtt and srt.")] = "terse",
    model: Annotated[
        str,
        typer.Option(metavar="NAME|PATH,...", help="A shipped model, an .onnx or .ensemble file; several with commas."),
    ] = "default",
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="What to compute on.")] = "auto",
    render: Annotated[bool, typer.Option("--render", help="Also draw the events into a copy of the video.")] = False,
    fov: Annotated[
        float,
        typer.Option(help="The camera's horizontal field of view, degrees."),
    ] = 100.0,
    modalities: Annotated[
        str | None,
        typer.Option(metavar="NAME,...|none", help="Of a model's semantic tokens, those to use; by default all."),
    ] = None,
    vision: Annotated[
        str,
        typer.Option(
            help="Visual detector: pose; vitpose or owlvit-boxes (experimental: never run with published weights); "
            "auto: pose where it is installed."
        ),
    ] = "auto",
    no_vision: Annotated[bool, typer.Option("--no-vision", help="Listen only; do not look at pictures.")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(help="Least probability of any class, 0..1; by default each class has the model's."),
    ] = None,
    mono: Annotated[bool, typer.Option("--mono", help="Take mono too; its events have no direction.")] = False,
    swap_channels: Annotated[bool, typer.Option("--swap-channels", help="Left and right are exchanged.")] = False,
    track: Annotated[
        str,
        typer.Option(
            metavar="auto|N|N+N",
            help="Which sound track of a file with several, from 0; two mono ones as left and right: 0+1.",
        ),
    ] = "auto",
    layout: Annotated[
        str,
        typer.Option(
            metavar="auto|foa|fuma|surround",
            help="What four or more channels are: ambisonics (ambiX or FuMa), or loudspeakers; by default as found.",
        ),
    ] = "auto",
    grow: Annotated[
        bool, typer.Option("--grow", help="While a file is heard, keep its events so far in NAME.growing.jsonl.")
    ] = False,
    threads: Annotated[int, typer.Option(help="Processor threads for the model.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Files at a time, each in a process of its own.")] = 1,
    engine: Annotated[
        str, typer.Option(metavar="local|ray", help="Processes here, or actors of Ray (extra 'ray').")
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="With --engine ray: a running cluster; else one is started here.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="Longest time for a file, seconds; by default it grows with the file's length.")
    ] = None,
    max_memory: Annotated[float, typer.Option(metavar="MB", help="Most memory that work on a file may take.")] = 3000.0,
    again: Annotated[bool, typer.Option("--again", help="Also do what an earlier run has done.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print problems only.")] = False,
) -> None:
    """Say what sounds in videos or recordings: when, from where, how far away, and whether it is in the picture.

    Writes NAME.csv (DCASE2025 format) and NAME.json for each file, prints a table, and goes on when a file fails.
    With --dcase, writes one CSV file as the challenge takes it for every evaluation clip, and what else --format names.
    Stopped and started again with the same settings, it does what is left; --again does everything anew.
    Exit code: 0 all done, 1 some inputs failed, 2 wrong usage.
    """
    one_thread()

    from earwitness.batch.dcase_detection import dcase_formats, plan_dcase
    from earwitness.batch.formats import Options, parse_formats
    from earwitness.batch.jobs import INCREMENTAL_SUFFIX, BatchSettings
    from earwitness.batch.planning import plan
    from earwitness.cli.choices import check_fov, one_of
    from earwitness.core.errors import EncoderError, MissingExtraError, ModelError, UsageError
    from earwitness.core.files.lock import locked_folder
    from earwitness.core.isolation import FileLimits
    from earwitness.detect.runner.runtime import check_device
    from earwitness.export.captions.captions import STYLES
    from earwitness.media.containers.sound_tracks import parse_track
    from earwitness.media.sound.ambisonics import LAYOUTS

    if bool(inputs) == (dcase is not None):
        raise UsageError("name INPUT files, or a data set with --dcase; not both")
    options = Options(captions=one_of("--captions", captions, STYLES))
    try:
        more = format or []
        formats = dcase_formats(more, options) if dcase else parse_formats(["csv,json", *more], options)
    except MissingExtraError as error:  # before hours of sound are heard in vain
        raise UsageError(str(error)) from error
    chosen_device = check_device(device)
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"--threshold must lie in 0..1, not {threshold:g}")
    check_fov(fov)
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    if engine not in ("local", "ray"):
        raise UsageError(f"--engine must be local or ray, not {engine}")
    if address is not None and engine != "ray":
        raise UsageError("--address is that of a Ray cluster: give --engine ray too")
    limits = FileLimits(max_seconds, max_memory, max(1, threads))
    settings = BatchSettings(
        formats, render, fov, threshold, swap_channels, mono, parse_track(track), grow,
        one_of("--layout", layout, LAYOUTS),
    )  # fmt: skip
    with locked_folder(out, "earwitness detect"):
        if dcase is None:
            todo = plan(inputs or [], out, (*settings.suffixes, *((INCREMENTAL_SUFFIX,) if grow else ())))
        else:
            todo = plan_dcase(dcase, out, settings.suffixes)
        for problem in (*todo.problems, *(failure.reason for failure in todo.failures)):
            say(problem)
        for note in () if quiet else todo.left_out:
            say(note)
        failed = len(todo.failures)
        if todo.jobs:
            from earwitness.cli.file_runner import FileRunner
            from earwitness.detect.detector import Detector

            visual_analysis = None if no_vision else vision
            load = partial(
                Detector.load,
                model,
                device=chosen_device,
                threads=threads,
                modalities=modalities,
                fov=fov,
                vision=visual_analysis,
            )
            try:
                detector = load()
            except (ModelError, EncoderError, MissingExtraError) as error:  # a wrong choice, and no input's fault
                raise UsageError(str(error)) from error
            hearing = FileRunner(detector, load, jobs, on_ray=engine == "ray", address=address, limits=limits)
            failed += _run(hearing, todo, settings, out, again=again, quiet=quiet)
    if failed:
        raise typer.Exit(1)


def _run(hearing: FileRunner, todo: Plan, settings: BatchSettings, out: Path, *, again: bool, quiet: bool) -> int:
    """Do all files that are not done yet; returns how many failed."""
    from earwitness.batch.jobs import run_journaled
    from earwitness.batch.journal import Journal
    from earwitness.cli.batch_view import BatchView

    journal = Journal(out, hearing.detector.record() | {"batch": settings.record()}, again=again)
    with BatchView(todo, out, quiet=quiet) as view:

        def run(due: Sequence[Job]) -> Iterator[Done | Failure]:
            return hearing.run(due, settings, view.progress)

        for result in run_journaled(todo.jobs, journal, run, settings.suffixes):
            view.show(result)
    return view.failed
