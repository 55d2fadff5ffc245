"""The verb `train`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from earwitness.cli.choices import folder_name

if TYPE_CHECKING:
    from earwitness.training.data.training_sources import Sources

SHOWN: Final = 20
"""Damaged clips that are named one by one on the terminal."""
SKIPPED_NAME: Final = "skipped.txt"


def run(
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="RECIPE", help="A recipe's file (YAML), or a name of `recipes list`."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data set to train on, in place of the recipe's DCASE2025."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as run.steps=500.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder of the run; by default runs/NAME of the recipe.",
            parser=folder_name,
            metavar="DIR",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out where it stopped; needs no RECIPE.")
    ] = False,
    tracker: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Also log to tensorboard, wandb or mlflow, where installed; may be repeated."
        ),
    ] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Bit-identical results, also on a GPU, where it is slower.")
    ] = False,
) -> None:
    """Train a model from a recipe; --resume continues a stopped run with identical results."""
    from earwitness.cli.command import one_thread

    one_thread()
    from earwitness.cli.command import needs

    with needs("training", "train"):
        from earwitness.training.loop.trackers import check_trackers
        from earwitness.training.recipe import load_recipe
    path = _recipe_file(recipe, out, resume=resume)
    named = [f"run.trackers=[{','.join(tracker)}]"] if tracker else []
    # A mistake in the recipe is reported before the slow import of torch.
    loaded = load_recipe(path, [*(settings or []), *named], data)
    check_trackers(loaded.run.trackers)
    with needs("training", "train"):
        from earwitness.training.data.training_sources import open_sources
        from earwitness.training.loop.distributed import locked_by_first, use_deterministic_algorithms
        from earwitness.training.loop.trainer import Trainer
        from earwitness.training.recipe import with_classes
    if deterministic:
        use_deterministic_algorithms()
    loaded = with_classes(loaded)
    folder = out or Path("runs") / loaded.name
    with locked_by_first(folder, "earwitness train"):
        with _progress() as progress:
            sources = open_sources(loaded.data, loaded.features, progress, max(1, loaded.run.workers))
        trainer = Trainer(loaded, folder, sources.train, sources.valid)
        _report(sources, folder)
        scores = trainer.run(resume=resume)
    typer.echo(f"{folder}: done, F20/1 {scores.macro.f_score:.3f} on its validation scenes")
    typer.echo(f"to export it: earwitness export-model {folder} --out model.onnx")


def _recipe_file(recipe: str | None, out: Path | None, *, resume: bool) -> Path:
    """File of the recipe: the one that is named, or that of the run to resume.

    Raises:
        UsageError: neither.
    """
    from earwitness.core.errors import UsageError
    from earwitness.training.loop.training_state import RECIPE_NAME
    from earwitness.training.recipe_files import find_recipe

    if recipe is not None:
        return find_recipe(recipe)
    if not resume or out is None:
        raise UsageError("name a RECIPE (`earwitness recipes list`), or continue a run with --resume --out DIR")
    if not (out / RECIPE_NAME).is_file():
        raise UsageError(
            f"--out {out}: holds no run to resume (there is no {RECIPE_NAME}); name its RECIPE to start it"
        )
    return out / RECIPE_NAME


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar on stderr for each folder whose features are computed."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True)) as bar:

        def show(folder: str, done: int, total: int) -> None:
            if folder not in tasks:
                tasks[folder] = bar.add_task(f"features of {Path(folder).name}", total=total)
            bar.update(tasks[folder], completed=done)

        yield show


def _report(sources: Sources, folder: Path) -> None:
    """Print the number of clips, and which are skipped and why; the run's folder gets the complete list."""
    if sources.train_clips is not None:
        rooms = f" (rooms {', '.join(map(str, sources.valid_rooms))})" if sources.valid_rooms else ""
        typer.echo(f"{sources.train_clips:,} training clips, {sources.valid_clips:,} validation clips{rooms}", err=True)
    if not sources.skipped:
        return
    from earwitness.core.errors import one_line
    from earwitness.core.files.atomic import atomic_file

    lines = [f"{name}: {reason}" for name, reason in sources.skipped.items()]
    for line in lines[:SHOWN]:
        typer.echo(one_line(f"skipped: {line}"), err=True)
    with atomic_file(folder / SKIPPED_NAME) as temporary:
        temporary.write_text("\n".join([*lines, ""]), encoding="utf-8")
    what = "damaged clips" if sources.train_clips is not None else "sounds of the bank"
    typer.echo(f"{len(lines)} {what} are skipped; {folder / SKIPPED_NAME} lists all", err=True)
