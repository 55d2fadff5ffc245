"""What the commands share: plain help, one CPU thread by default, errors for missing extras, messages on stderr."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from earwitness.core.errors import MissingExtraError, one_line


class Command(TyperCommand):
    """A command with plain help columns."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters, ready for the help."""
        return _plain(super().get_params(ctx))


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


def say(message: str) -> None:
    """Print a problem or a note."""
    typer.echo(f"earwitness: {one_line(message)}", err=True)
