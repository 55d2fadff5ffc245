"""Commands whose help shows metavars only: no `<bool>` beside a flag, no `<list[str]>` beside an argument."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption


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
