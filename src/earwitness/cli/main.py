"""The `earwitness` command: one verb a file; what a verb needs is imported only when it runs."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import typer

from earwitness import __version__
from earwitness.errors import EarwitnessError, RecipeError

VERBS: Final[tuple[str, ...]] = (
    "demo", "detect", "doctor", "evaluate", "export-model", "render", "synthesize", "train",
)  # fmt: skip
"""Each verb's module is `earwitness.cli.<verb, - as _>`; its function `run` is the command, its docstring the help."""

INTERRUPTED: Final = 130

app = typer.Typer(
    name="earwitness",
    help="What sounds in this video, when, from where, how far away, and is it in the picture?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"earwitness {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    pass


for _verb in VERBS:
    app.command(_verb)(importlib.import_module(f"earwitness.cli.{_verb.replace('-', '_')}").run)


def main() -> None:
    """Run the command line; errors made for users are printed on one line, without a traceback."""
    try:
        app()
    except EarwitnessError as error:
        typer.echo(f"earwitness: {error}", err=True)
        sys.exit(2 if isinstance(error, RecipeError) else 1)
    except KeyboardInterrupt:
        typer.echo("earwitness: interrupted", err=True)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
