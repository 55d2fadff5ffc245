"""What the commands share: options as a dataclass and their checks, help, threads, extras, messages and progress."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import MISSING, Field, fields
from inspect import Parameter, Signature
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, get_type_hints

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from earwitness.core.errors import MissingExtraError, UsageError, one_line

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.results.detection import Detection
    from earwitness.results.selection import ClassChoice

FORMAT_LIST: Final = "FORMAT,..."
Options = TypeVar("Options", bound="DataclassInstance")
LINE_SECONDS: Final = 30.0
Word = TypeVar("Word", bound=str)


class Command(TyperCommand):
    """A command with plain help columns; options with the metavar `FORMAT_LIST` name the output formats."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters, ready for the help."""
        return _plain(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        for option in self.params:
            if isinstance(option, TyperOption) and option.metavar == FORMAT_LIST and option.help:
                option.help = _with_formats(option.help)
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    """A group of commands with plain help columns."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters, ready for the help."""
        return _plain(super().get_params(ctx))


def _plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
        elif isinstance(parameter, TyperArgument):
            vars(parameter)["display_type_rich"] = _no_type  # typer has no setting for this column
    return parameters


def _no_type(ctx: Any) -> None:
    return None


def _with_formats(text: str) -> str:
    """Add the names of the output formats to a help text, without those that it has."""
    from earwitness.batch.formats import FORMATS  # too slow to import for anything but the help

    mentioned = re.findall(r"\w+", text)
    return f"{text.rstrip('.')}: {', '.join(name for name in FORMATS if name not in mentioned)}."


_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread() -> None:
    """Limit BLAS and OpenMP to one thread unless the environment says otherwise; call before importing NumPy."""
    for name in _VARIABLES:
        os.environ.setdefault(name, "1")


@contextmanager
def needs(feature: str, extra: str) -> Iterator[None]:
    """Turn a failed import of a third-party package into an error that names its extra.

    Raises:
        MissingExtraError: the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "earwitness":
            raise
        raise MissingExtraError(feature, extra) from error


def takes(options: type[Options]) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """Decorator that makes a command of a function: the command's parameters are the fields of a dataclass.

    Args:
        options: dataclass whose fields have types for typer, `Annotated[type, typer.Option(...)]`; those without a
            default value are required.
    """
    hints = get_type_hints(options, include_extras=True)
    declared = [
        Parameter(one.name, Parameter.KEYWORD_ONLY, default=_default(one), annotation=hints[one.name])
        for one in fields(options)
    ]

    def decorate(function: Callable[[Options], None]) -> Callable[..., None]:
        def command(**values: Any) -> None:
            function(options(**values))

        command.__doc__, command.__name__, command.__module__ = function.__doc__, function.__name__, function.__module__
        command.__annotations__ = hints
        vars(command)["__signature__"] = Signature(declared)
        return command

    return decorate


def _default(declared: Field[Any]) -> Any:
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    return Parameter.empty if declared.default is MISSING else declared.default


def say(message: str) -> None:
    """Print a problem or a note on one line, unless stderr is closed."""
    with suppress(OSError):
        typer.echo(f"earwitness: {one_line(message)}", err=True)


class Meter:
    """A context manager that reports progress on stderr."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console  # too slow to import for commands that show no progress
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = console or Console(stderr=True)
        self._clock = clock
        self._bar: Progress | None = None
        if self._console.is_terminal:
            left = (TextColumn("left"), TimeRemainingColumn())
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), *left)
            self._bar = Progress(*columns, console=self._console)

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def task(self, name: str) -> Callable[[int, int], None]:
        """Begin the task `name`; returns a function to call with (done, total)."""
        if self._bar is not None:
            bar, number = self._bar, self._bar.add_task(name, total=None)
            return lambda done, total: bar.update(number, completed=done, total=total)
        begin, printed = self._clock(), self._clock()

        def report(done: int, total: int) -> None:
            nonlocal printed
            now = self._clock()
            if now - printed >= LINE_SECONDS or done == total:
                printed = now
                left = round((now - begin) / max(done, 1) * (total - done))
                rest = f", {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left" if done < total else ""
                self._console.print(f"{name} {done} of {total}{rest}", highlight=False)

        return report


def one_of(option: str, given: str, words: tuple[Word, ...]) -> Word:
    """Return the given word if it is allowed.

    Raises:
        UsageError: the word is not in `words`.
    """
    for word in words:
        if given == word:
            return word
    raise UsageError(f"{option} must be one of {', '.join(words)}, not '{given}'")


def check_fov(fov: float) -> None:
    """Check a horizontal field of view (--fov, degrees).

    Raises:
        UsageError: the value is not within 1..170.
    """
    if not 1 <= fov <= 170:
        raise UsageError(f"--fov must lie in 1..170 degrees, not {fov:g}")


def folder_name(text: str | Path) -> Path:
    """Parse a folder's name; a shell passes "" for a variable that is not set.

    Raises:
        BadParameter: the name is empty.
    """
    if not isinstance(text, Path) and not text:
        raise typer.BadParameter("the folder's name is empty; name a folder, or '.' for the current one")
    return Path(text)


def own_weights(texts: Iterable[str], encoders: Collection[str]) -> dict[str, Path]:
    """The folders of `--weights NAME=FOLDER`, by encoder.

    Raises:
        UsageError: not of this form, no such folder, or not one of `encoders`.
    """
    folders: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or name not in encoders:
            raise UsageError(f"--weights {text}: write NAME=FOLDER with one of: {', '.join(encoders)}")
        if not Path(path).is_dir():
            raise UsageError(f"--weights {text}: there is no such folder")
        folders[name] = Path(path)
    return folders


def chosen_classes(result: Detection, choice: ClassChoice) -> Detection:
    """Return a saved result with the classes of --classes and --exclude; say which of them it was made without.

    Raises:
        UsageError: the result has no such class or group.
    """
    if absent := choice.already_left_out(result):
        say(f"these events were detected without {', '.join(absent)}; detect again to have them")
    return choice.apply(result)
