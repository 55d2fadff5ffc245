"""The verb `detect`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.cli.threads import one_thread

if TYPE_CHECKING:
    from rich.console import Console

    from earwitness.inference.batch import BatchSettings, Done, Failure, Plan
    from earwitness.inference.detector import Detector


def run(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Video or audio files, folders or globs.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("earwitness-out"),
    format: Annotated[
        list[str] | None,
        typer.Option(help="Further formats besides csv and json, with commas: vtt, srt, audacity."),
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME|PATH", help="A shipped model, or an .onnx file.")] = "default",
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="What to compute on.")] = "auto",
    render: Annotated[bool, typer.Option("--render", help="Also draw the events into a copy of the video.")] = False,
    fov: Annotated[float, typer.Option(help="With --render: the camera's horizontal field of view, degrees.")] = 100.0,
    threshold: Annotated[
        float | None, typer.Option(help="0..1: lower finds more, higher is surer; by default the model's own.")
    ] = None,
    mono: Annotated[bool, typer.Option("--mono", help="Take mono too; its events have no direction.")] = False,
    swap_channels: Annotated[bool, typer.Option("--swap-channels", help="Left and right are exchanged.")] = False,
    threads: Annotated[int, typer.Option(help="Processor threads for the model.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print problems only.")] = False,
) -> None:
    """Say what sounds in videos or recordings: when, from where, how far away, and whether it is in the picture.

    Writes NAME.csv (DCASE2025 format) and NAME.json for each file, prints a table, and goes on when a file fails.
    Exit code: 0 all done, 1 some inputs failed, 2 wrong usage.
    """
    one_thread()

    from earwitness.errors import ModelError, RecipeError
    from earwitness.export import parse_formats
    from earwitness.inference.batch import BatchSettings, plan
    from earwitness.inference.runtime import check_device

    formats = parse_formats(["csv,json", *(format or [])])
    chosen_device = check_device(device)
    if threshold is not None and not 0 <= threshold <= 1:
        raise RecipeError(f"--threshold must lie in 0..1, not {threshold:g}")
    if not 1 <= fov <= 170:
        raise RecipeError(f"--fov must lie in 1..170 degrees, not {fov:g}")
    if out.exists() and not out.is_dir():
        raise RecipeError(f"--out {out} is a file; name a folder")
    settings = BatchSettings(formats, render, fov, threshold, swap_channels, mono)
    todo = plan(inputs, out)
    for failure in todo.failures:
        _say(failure.reason)
    failed = len(todo.failures)
    if todo.jobs:
        from earwitness.inference.detector import Detector

        try:
            detector = Detector.load(model, device=chosen_device, threads=threads)
        except ModelError as error:  # the choice of the model is wrong, and no input's fault
            raise RecipeError(str(error)) from error
        failed += _run(detector, todo, settings, out, quiet=quiet)
    if failed:
        raise typer.Exit(1)


def _run(detector: Detector, todo: Plan, settings: BatchSettings, out: Path, *, quiet: bool) -> int:
    """Do all files under one progress bar; returns how many failed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from earwitness.inference.batch import Failure, Job, run_batch

    console, begun = Console(highlight=False), time.perf_counter()
    results: list[Done | Failure] = []
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn(compact=True))
    # Without a terminal a bar would only be noise in a log.
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=len(todo.jobs))

        def progress(job: Job, share: float) -> None:
            bar.update(task, completed=len(results) + share, description=job.source.name[:30])

        try:
            for result in run_batch(detector, todo.jobs, settings, progress):
                results.append(result)
                bar.update(task, completed=len(results))
                _report(result, console, quiet=quiet)
        except KeyboardInterrupt:
            _say(f"stopped; the results of {len(results)} of {len(todo.jobs)} files are complete")
            raise
    done = [result for result in results if not isinstance(result, Failure)]
    if not quiet:
        _summary(done, todo, out, time.perf_counter() - begun, console)
    return len(results) - len(done)


def _report(result: Done | Failure, console: Console, *, quiet: bool) -> None:
    from earwitness.errors import NotStereoError
    from earwitness.export.terminal import MOST_ROWS, event_table
    from earwitness.inference.batch import Failure

    if isinstance(result, Failure):
        _say(result.reason + (" (--mono)" if isinstance(result.error, NotStereoError) else ""))
        return
    detection = result.detection
    for warning in detection.warnings:
        _say(f"{result.job.source}: warning: {warning}")
    if quiet:
        return
    console.print(f"\n{result.job.source}", style="bold", markup=False, soft_wrap=True)
    events = len(detection.events)
    if not events:
        console.print("  nothing that the model knows sounds here")
        return
    console.print(event_table(detection, console.width))
    if events > MOST_ROWS:
        console.print(f"  ... and {events - MOST_ROWS} more: see {result.written[0]}", markup=False, soft_wrap=True)


def _summary(done: list[Done], todo: Plan, out: Path, elapsed: float, console: Console) -> None:
    from earwitness.export.terminal import clock

    seconds = sum(result.detection.duration for result in done)
    events = sum(len(result.detection.events) for result in done)
    heard = f"{events} events in {clock(seconds)} of sound, {len(done)} of {len(todo.jobs)} files"
    console.print(f"\n{heard}, {seconds / max(elapsed, 1e-9):.0f} times as fast as it plays", soft_wrap=True)
    if len(done) == 1:
        console.print("written: " + ", ".join(map(str, done[0].written)), markup=False, soft_wrap=True)
    elif done:
        console.print(
            f"written: {sum(len(result.written) for result in done)} files in {out}", markup=False, soft_wrap=True
        )
    if todo.clashes:
        names = ", ".join(todo.clashes[:5]) + (", ..." if len(todo.clashes) > 5 else "")
        console.print(f"same names, so results lie in subfolders or keep the extension: {names}", soft_wrap=True)


def _say(message: str) -> None:
    typer.echo(f"earwitness: {message}", err=True)
