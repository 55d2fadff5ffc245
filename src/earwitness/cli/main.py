"""The `earwitness` command: one verb a file; what a verb needs is imported only when it runs."""

from __future__ import annotations

import importlib
import sys
from concurrent.futures import BrokenExecutor
from io import TextIOWrapper
from typing import Final

import typer

from earwitness.core.errors import EarwitnessError, UsageError
from earwitness.core.version import __version__

VERBS: Final[tuple[str, ...]] = (
    "ablate", "demo", "detect", "doctor", "ensemble", "evaluate", "export", "export-model", "render", "serve",
    "synthesize", "train",
)  # fmt: skip
"""Each verb's module is `earwitness.cli.<verb, - as _>`; its function `run` is the command, its docstring the help."""
GROUPS: Final[tuple[str, ...]] = ("dataset", "models")
"""Verbs with sub-commands: `app` in their module."""

INTERRUPTED: Final = 130
WRONG_USAGE: Final = 2

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
for _verb in GROUPS:
    app.add_typer(importlib.import_module(f"earwitness.cli.{_verb}").app, name=_verb)


def main() -> None:
    """Run the command line; errors made for users are printed on one line, without a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):  # a name, or a sign, that the terminal cannot show must not end a batch
        sys.stdout.reconfigure(errors="replace")
    try:
        code = app(standalone_mode=False)
    except EarwitnessError as error:
        typer.echo(f"earwitness: {error}", err=True)
        sys.exit(WRONG_USAGE if isinstance(error, UsageError) else 1)
    except BrokenExecutor:
        reason = "a worker process was killed, as for lack of memory; start again with fewer workers"
        typer.echo(f"earwitness: {reason}", err=True)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"earwitness: {where}{error.strerror or error}; check folder, rights and space", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("earwitness: interrupted", err=True)
        sys.exit(INTERRUPTED)
    except typer.TyperException as error:
        if error.format_message():  # called without arguments, the help has been printed and nothing is to be said
            typer.echo(f"earwitness: {_one_line(error)}", err=True)
        sys.exit(WRONG_USAGE)
    if code == INTERRUPTED:  # what typer makes of Ctrl+C
        typer.echo("earwitness: interrupted", err=True)
    sys.exit(code)


def _one_line(error: typer.TyperException) -> str:
    """What is wrong with the command line, and where to read what is right."""
    return f"{' '.join(error.format_message().split())} (--help says what there is)"


if __name__ == "__main__":
    main()
