"""The verb `reproduce`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from earwitness.cli.choices import folder_name


def run(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Data set in the folder layout of DCASE2025 Task 3.")],
    scale: Annotated[
        str, typer.Option(metavar="tiny|small|paper", help="Size: a trial in minutes, small networks, or the paper's.")
    ] = "small",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder of all results; by default runs/reproduction-SCALE.",
            parser=folder_name,
            metavar="DIR",
        ),
    ] = None,
    bank: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Sound bank for the scenes of the pre-training; by default the split dev-train-synth."
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER", help="Your own weights of clap or owlvit instead of the pulled ones."),
    ] = None,
    vision: Annotated[
        str,
        typer.Option(metavar="DETECTOR|none", help="Visual post-processing: auto takes pose where it is installed."),
    ] = "auto",
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Device of encoders and networks.")] = "cpu",
    workers: Annotated[int, typer.Option(min=1, max=1024, metavar="N", help="Processes that prepare clips.")] = 1,
    plan: Annotated[bool, typer.Option("--plan", help="Print the plan only: steps, hours and disk space.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Start the scale paper without asking.")] = False,
) -> None:
    """Reproduce the paper: embeddings, pre-training with channel swap, fine-tuning, ensemble, ablation table.

    Started again with the same options, it continues where it was interrupted. Writes ablation.md, ablation.json and
    ablation.png (the table with 95 % intervals), system.ensemble (for `detect`), predictions and scores.json.
    """  # fmt: skip
    from earwitness.cli.command import one_thread

    one_thread()
    from earwitness.cli.choices import own_weights
    from earwitness.cli.command import needs
    from earwitness.core.errors import UsageError
    from earwitness.core.files.lock import locked_folder
    from earwitness.encoders.protocol import check_device

    with needs("reproducing the paper", "train"):
        from earwitness.training.data.data_splits import DataSplits
        from earwitness.training.reproduction.reproduction_job import ENCODERS, ReproductionJob, find_scale
    size, own = find_scale(scale), own_weights(weights or (), tuple(ENCODERS.values()))
    folder = out or Path("runs") / f"reproduction-{size.name}"
    seen = None if vision == "none" else vision
    job = ReproductionJob(DataSplits.of(data), folder, size, bank, own, seen, check_device(device), workers)
    with needs("reproducing the paper", "train"):
        from earwitness.training.reproduction.estimate import plan_lines
        from earwitness.training.reproduction.stages import reproduce
    for line in plan_lines(job):
        typer.echo(line)
    if plan:
        return
    if size.name == "paper" and not yes:
        if not sys.stdin.isatty():
            raise UsageError("nothing was started: start the scale paper with --yes")
        if not typer.confirm("Start?"):
            raise typer.Exit(1)
    with locked_folder(folder, "earwitness reproduce"):
        reproduce(job, lambda line: typer.echo(line, err=True))
    typer.echo((folder / "ablation.md").read_text(encoding="utf-8"))
    typer.echo(
        f"{folder / 'system.ensemble'}: for detect --model; {folder / 'scores.json'}: its scores on the test split"
    )
