"""The `earwitness` command: one verb a file; what a verb needs is imported only when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from io import TextIOWrapper
from typing import Final, NoReturn

import typer

from earwitness.core.crash_log import describe, write_log
from earwitness.core.errors import EarwitnessError, UsageError, one_line, shortened
from earwitness.core.version import __version__

VERBS: Final[tuple[str, ...]] = (
    "ablate", "demo", "detect", "doctor", "ensemble", "evaluate", "export", "export-model", "render", "serve",
    "synthesize", "train",
)  # fmt: skip
"""Each verb's module is `earwitness.cli.<verb, - as _>`; its function `run` is the command, its docstring the help."""
GROUPS: Final[tuple[str, ...]] = ("dataset", "models")
"""Verbs with sub-commands: `app` in their module."""

FAILED: Final = 1
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
    """Run the command line; whatever goes wrong is said on one line, without a traceback."""
    for stream in (sys.stdout, sys.stderr):  # a sign that the terminal cannot show must not end a batch
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:  # the last place where a user can be told in one line
        if isinstance(error, BrokenPipeError):
            _end_of_pipe()
        reason, code = _explained(error)
        if reason:
            _say(reason)
        sys.exit(code)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(INTERRUPTED)
    if code == INTERRUPTED:  # what typer makes of Ctrl+C
        _say("interrupted")
    sys.exit(code)


def _explained(error: Exception) -> tuple[str, int]:
    """What to say of an error, on one line, and the exit code."""
    match error:
        case UsageError():
            return one_line(str(error)), WRONG_USAGE
        case EarwitnessError():
            return one_line(str(error)), FAILED
        case BrokenExecutor():
            return "a worker process was killed, as for lack of memory; start again with fewer workers", FAILED
        case typer.Abort():
            return "interrupted", INTERRUPTED
        case typer.TyperException():
            # Called without arguments, the help has been printed and nothing is to be said.
            said = one_line(error.format_message())
            return f"{shortened(said, 400)} (--help says what there is)" if said else "", WRONG_USAGE
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return one_line(f"{where}{error.strerror or error}; check folder, rights and space"), FAILED
        case ValueError() if (problem := _wrong_setting(error)) is not None:
            return problem, WRONG_USAGE
        case _:
            return describe(error, write_log(error)), FAILED


def _wrong_setting(error: ValueError) -> str | None:
    """What is wrong with a value that an option set; None for other errors than pydantic's."""
    if "pydantic" not in sys.modules:  # not imported for this alone: the command starts without it
        return None
    from pydantic import ValidationError

    from earwitness.core.schema import first_problem

    return first_problem(error, "the settings") if isinstance(error, ValidationError) else None


def _end_of_pipe() -> NoReturn:
    """End in silence, as other tools do, where the reader of the output is gone (`earwitness ... | head`)."""
    # Python writes what is left once more when it ends: into nothing, and not into the broken pipe.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(FAILED)


def _say(text: str) -> None:
    with suppress(OSError):  # the error stream itself may be closed
        typer.echo(f"earwitness: {text}", err=True)


if __name__ == "__main__":
    main()
