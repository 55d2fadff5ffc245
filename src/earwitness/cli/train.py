"""The verb `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML); see recipes/.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as run.steps=500.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; by default runs/<recipe's name>.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
) -> None:
    """Train a model as a recipe says; a stopped run goes on exactly with --resume."""
    from earwitness.cli.threads import one_thread

    one_thread()
    from earwitness.cli.extras import needs

    with needs("training", "train"):
        from earwitness.training.recipe import load_recipe
        from earwitness.training.source import OpenSynthesizer
        from earwitness.training.trainer import Trainer
    loaded = load_recipe(recipe, settings)
    folder = out or Path("runs") / loaded.name
    trainer = Trainer(
        loaded, folder, OpenSynthesizer(loaded.data, "train"), OpenSynthesizer(loaded.data, "valid")
    )  # fmt: skip
    scores = trainer.run(resume=resume)
    typer.echo(f"{folder}: done, F20/1 {scores.macro.f_score:.3f} on its validation scenes")
    typer.echo(f"make a model of it with: earwitness export-model {folder} --out model.onnx")
