"""The `earwitness` command: one file for each verb, which imports what it needs only when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from io import TextIOWrapper
from typing import Final, NoReturn

import typer

from earwitness.cli.command import Command, Group, say
from earwitness.core.crash_log import describe, write_log
from earwitness.core.errors import EarwitnessError, UsageError, one_line, shortened
from earwitness.core.version import __version__

VERBS: Final[tuple[str, ...]] = (
    "ablate", "demo", "detect", "doctor", "ensemble", "evaluate", "export", "export-model", "learn", "render",
    "reproduce", "serve", "synthesize", "train",
)  # fmt: skip
"""The module of a verb is `earwitness.cli.<verb, - as _>`; `run` is the command, and its docstring the help."""
GROUPS: Final[tuple[str, ...]] = ("benchmark", "dataset", "models", "recipes")
"""Verbs with sub-commands; their modules have an `app`."""

FAILED: Final = 1
INTERRUPTED: Final = 130
WRONG_USAGE: Final = 2

app = typer.Typer(
    name="earwitness",
    cls=Group,
    help="What sounds in this video, when, from where, how far away, and is it in the picture?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"earwitness {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


for _verb in VERBS:
    app.command(_verb, cls=Command)(importlib.import_module(f"earwitness.cli.{_verb.replace('-', '_')}").run)
for _verb in GROUPS:
    app.add_typer(importlib.import_module(f"earwitness.cli.{_verb}").app, name=_verb)


def main() -> None:
    """Run the command line; every error is one line, without a traceback."""
    for stream in (sys.stdout, sys.stderr):  # a character that the terminal cannot show must not end a batch
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:  # the last place to turn an error into one line
        if isinstance(error, BrokenPipeError):
            _end_of_pipe()
        reason, code = _explained(error)
        if reason:
            say(reason)
        sys.exit(code)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(INTERRUPTED)
    if code == INTERRUPTED:  # typer's code for Ctrl+C
        say("interrupted")
    sys.exit(code)


def _explained(error: Exception) -> tuple[str, int]:
    """Return the message of an error, on one line, and the exit code."""
    match error:
        case UsageError():
            return one_line(str(error)), WRONG_USAGE
        case EarwitnessError():
            return one_line(str(error)), FAILED
        case BrokenExecutor():
            return "a worker process was killed, perhaps for lack of memory; start again with fewer workers", FAILED
        case typer.Abort():
            return "interrupted", INTERRUPTED
        case typer.TyperException():
            # Without arguments, typer has printed the help, and the message is empty.
            message = one_line(error.format_message())
            return f"{shortened(message, 400)} (see --help)" if message else "", WRONG_USAGE
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return one_line(f"{where}{error.strerror or error}; check folder, permissions and disk space"), FAILED
        case ValueError() if (problem := _wrong_setting(error)) is not None:
            return problem, WRONG_USAGE
        case _:
            return describe(error, write_log(error)), FAILED


def _wrong_setting(error: ValueError) -> str | None:
    """Return the problem of a pydantic error, such as an option out of range; None for any other error."""
    if "pydantic" not in sys.modules:  # then it is not pydantic's error, and importing it would cost time
        return None
    from pydantic import ValidationError

    from earwitness.core.schema import first_problem

    return first_problem(error, "the settings") if isinstance(error, ValidationError) else None


def _end_of_pipe() -> NoReturn:
    """Exit without a message, as other tools do, when the reader has closed the pipe (`earwitness ... | head`)."""
    # Python flushes stdout again at exit; that must not go to the broken pipe.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(FAILED)


if __name__ == "__main__":
    main()
