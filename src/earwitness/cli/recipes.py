"""The verb `recipes`: the recipes that are part of earwitness."""

from __future__ import annotations

from typing import Annotated

import typer

from earwitness.cli.command import Command, Group

app = typer.Typer(cls=Group, help="List and show the recipes of `train` and `ablate`.", no_args_is_help=True)


@app.command("list", cls=Command)
def list_recipes(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List each recipe with its purpose; `train NAME` and `ablate NAME` use it."""
    from earwitness.training.recipe_files import purpose, shipped_recipes

    found = {name: purpose(path) for name, path in shipped_recipes().items()}
    if json:
        import json as plain

        typer.echo(plain.dumps([{"name": name, "purpose": what} for name, what in found.items()], indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("recipe", "purpose")
    for name, what in found.items():
        table.add_row(name, what)
    Console(highlight=False).print(table)


@app.command("show", cls=Command)
def show_recipe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe; `recipes list` names them.")],
) -> None:
    """Print a recipe: save it to a file to change it, `earwitness recipes show NAME > my.yaml`."""
    from earwitness.training.recipe_files import find_recipe

    typer.echo(find_recipe(name).read_text(encoding="utf-8"), nl=False)
