"""The verb `ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earwitness.cli.choices import folder_name


def run(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe's file (YAML), or a name of `recipes list`, as ablation.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe key, such as test=DIR."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder of runs and results; by default runs/NAME.", parser=folder_name, metavar="DIR"
        ),
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="Train only these variants.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Train nothing; tabulate the finished runs.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=1024, metavar="N", help="Processes that compute features.")] = 1,
) -> None:
    """Train variants of a recipe with several seeds, score each on the test set, and compare them.

    Skips finished runs and continues an interrupted one. Writes ablation.json, ablation.md and ablation.png.
    """
    from earwitness.cli.command import one_thread

    one_thread()
    from earwitness.cli.command import needs
    from earwitness.core.files.lock import locked_folder

    with needs("ablations", "train"):
        from earwitness.training.ablation.ablation_plan import load_plan
        from earwitness.training.recipe_files import find_recipe
    plan = load_plan(find_recipe(recipe), settings)  # before torch is imported, as in `train`
    with needs("ablations", "train"):
        from earwitness.training.ablation.ablation_report import MARKDOWN_NAME, tabulate
        from earwitness.training.ablation.ablation_runs import ablate
    folder = out or Path("runs") / plan.recipe.name
    with locked_folder(folder, "earwitness ablate"):
        if not report:
            names = [part.strip() for part in only.split(",") if part.strip()] if only else []
            ablate(plan, folder, names, lambda line: typer.echo(line, err=True), workers)
        tabulate(plan, folder)
    typer.echo((folder / MARKDOWN_NAME).read_text(encoding="utf-8"))
