"""The verb `learn`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from earwitness.training.learn.learn import Learnt
    from earwitness.training.learn.user_sounds import UserSounds


def run(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="MYSOUNDS",
            help="Folder with a folder for each new class, of 1 to 50 recordings of that sound alone.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The .onnx file to write; its card gets the same name with .json."
        ),
    ],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace/--beside", help="The new classes replace those of the shipped model, or are added to them."
        ),
    ] = False,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the model; by default that of the file.")
    ] = None,
    scenes: Annotated[
        int | None,
        typer.Option(
            min=10, max=100_000, metavar="N", help="Scenes to learn from; by default 640, and 160 more per class."
        ),
    ] = None,
    rooms: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Simulated rooms of the scenes.")] = 40,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, metavar="N", help="Processes; by default one per core, at most 2.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the scenes.")] = 1,
) -> None:
    """Teach the shipped model new sounds from a few recordings of each.

    It renders your recordings in simulated rooms, with sounds that ship with earwitness, and learns what they are and
    where they come from. At the end it estimates how well each is detected, on recordings that it did not learn from.
    An interrupted run continues when the same command is given again; until then, its work is in NAME.unfinished.
    """
    from earwitness.cli.command import needs, one_thread

    one_thread()
    from earwitness.cli.command import Meter
    from earwitness.core.errors import one_line
    from earwitness.core.files.lock import locked_file

    with needs("learning new classes", "train"):
        from earwitness.training.learn.learn import LearnOptions, learn, run_record
        from earwitness.training.learn.unfinished import UnfinishedRun
        from earwitness.training.learn.user_sounds import open_sounds
    processes = workers or min(2, os.cpu_count() or 1)
    options = LearnOptions(out, name, not replace, scenes, rooms, processes, seed)
    with locked_file(out, "earwitness learn"):
        user = open_sounds(folder)
        for file, reason in user.skipped.items():
            typer.echo(one_line(f"skipped: {file}: {reason}"), err=True)
        _announce(user)
        kept = UnfinishedRun(out, run_record(user, options))
        if kept.note:
            typer.echo(one_line(kept.note), err=True)
        try:
            with Meter() as meter:
                learnt = learn(user, options, meter.task, kept)
        except KeyboardInterrupt:
            typer.echo("to continue, give the same command again", err=True)
            raise
    _report(learnt)
    typer.echo(f"\n{out}: {len(learnt.vocabulary)} classes, {out.stat().st_size / 1e6:.1f} MB")
    typer.echo(f"to use it: earwitness detect VIDEO --model {out}")


def _announce(user: UserSounds) -> None:
    counts = ", ".join(f"{one.name} ({user.count(one.slug)})" for one in user.vocabulary)
    typer.echo(f"{len(user.vocabulary)} new classes (recordings): {counts}", err=True)


def _report(learnt: Learnt) -> None:
    """Print the estimate of each class, and what would help."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    found, console = learnt.estimate, Console(highlight=False)
    table = Table("class", box=None, pad_edge=False)
    for column in ("recordings", "F20/1", "frames found", "often taken for"):
        table.add_column(column, justify="right")
    for slug, count in learnt.counts.items():
        known = slug in found.f_score
        other = found.taken_for.get(slug, "")
        table.add_row(
            escape(learnt.vocabulary.by_slug(slug).name),
            str(count),
            f"{found.f_score[slug]:.2f}" if known else "unknown",
            f"{found.recall[slug]:.0%}" if known else "unknown",
            escape(learnt.vocabulary.by_slug(other).name) if other else "",
        )
    console.print(table)
    if found.f_score:
        console.print("Estimated on recordings that were left out in turn, in simulated rooms; real rooms are harder.")
    if len(found.f_score) < len(learnt.counts):
        console.print("An estimate needs at least 2 recordings of a class.")
    for number, sentence in enumerate(learnt.advice()[:3]):
        console.print(escape(("What would help most: " if not number else "Then: ") + sentence + "."))
