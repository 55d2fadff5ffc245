"""The sub-command `dataset embed`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitness.cli.command import folder_name, needs, one_thread, own_weights

if TYPE_CHECKING:
    from rich.console import Console

    from earwitness.encoders.store.embed_job import EmbedJob, EmbedReport


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Data set in the folder layout of DCASE2025 Task 3.")],
    encoder: Annotated[str, typer.Option(metavar="NAME,...", help="Encoders; `earwitness models list` names them.")],
    rate: Annotated[float, typer.Option(min=0.1, max=60.0, metavar="FPS", help="Pictures per second.")] = 2.0,
    fov: Annotated[
        float, typer.Option(min=10.0, max=170.0, metavar="DEG", help="Horizontal field of view, degrees.")
    ] = 100.0,
    swap: Annotated[
        bool, typer.Option("--swap", help="Also encode mirrored pictures, for left-right swapping.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME.KEY=VALUE", help="A setting of an encoder: yamnet.channels=M,L,R."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER", help="Your own weights of an encoder instead of the fetched ones."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the embeddings; by default DIR/embeddings.",
            parser=folder_name,
            metavar="DIR",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="cpu|cuda", help="Device of clap and owlvit; the others run on the CPU.")
    ] = "cpu",
    workers: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Processes; the tokens do not depend on their number.")
    ] = 1,
) -> None:
    """Encode the sound or the pictures of all clips once, for training with semantic tokens.

    Stores tokens as 16-bit floats in DIR/embeddings, in one folder for each encoder, weights and settings. An
    interrupted run continues when it is started again; changed files are encoded again. Exits with 1 if clips were
    skipped.
    """
    one_thread()
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.core.files.lock import locked_folder
    from earwitness.data.dcase.layout import scan
    from earwitness.encoders.protocol import check_device
    from earwitness.encoders.store.embed_job import EmbedJob, embed
    from earwitness.encoders.store.embedding_store import FOLDER

    specs = _specs(encoder, settings or [], weights or [])
    clips = scan(folder).clips
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    failed, target = False, out or folder / FOLDER
    with locked_folder(target, "earwitness dataset embed"):
        for spec in specs:
            job: EmbedJob = EmbedJob(spec, rate, fov, swap, check_device(device))
            with Progress(console=console) as bar, needs(f"the encoder '{spec.name}'", "semantic"):
                task = bar.add_task(spec.name, total=len(clips))
                report = embed(
                    target, clips, job, workers,
                    lambda done, total, task=task, bar=bar: bar.update(task, completed=done),  # type: ignore[misc]
                )  # fmt: skip
            _print_report(spec.name, report, console)
            failed = failed or bool(report.skipped)
    if failed:
        raise typer.Exit(1)


def _print_report(name: str, report: EmbedReport, console: Console) -> None:
    from earwitness.core.errors import one_line

    for clip, reason in sorted(report.skipped.items()):
        console.print(one_line(f"skipped {clip}: {reason}"), markup=False)
    if report.without:
        console.print(f"note: {len(report.without)} clips have no input for '{name}'", markup=False)
    typer.echo(f"{name}: {report.made} new, {report.kept} kept, {len(report.skipped)} skipped in {report.folder}")


def _specs(names: str, settings: list[str], weights: list[str]) -> list[Any]:
    """Return the named encoders with their settings.

    Raises:
        UsageError: a setting is not of the form NAME.KEY=VALUE, or its encoder is not among `names`.
    """
    from earwitness.core.errors import UsageError
    from earwitness.encoders.protocol import EncoderSpec

    chosen: dict[str, dict[str, Any]] = {name.strip(): {} for name in names.split(",") if name.strip()}
    for text in settings:
        where, equals, value = text.partition("=")
        name, _, key = where.rpartition(".")
        if not equals or name not in chosen:
            raise UsageError(f"--set {text}: write NAME.KEY=VALUE with one of the encoders named: {', '.join(chosen)}")
        chosen[name][key] = _value(value)
    folders = own_weights(weights, chosen)
    specs = [EncoderSpec(name=name, settings=values, folder=folders.get(name)) for name, values in chosen.items()]
    for spec in specs:
        _ = spec.modality  # raises for an unknown encoder before any work begins
    return specs


def _value(text: str) -> Any:
    """Parse a value: JSON (numbers, true, null), else a list where it has commas, else text."""
    from earwitness.core.errors import UsageError
    from earwitness.core.files.small_files import parse_json

    try:
        return parse_json(text, "--set", UsageError)
    except UsageError:  # not JSON
        return text.split(",") if "," in text else text
