"""Options with a few allowed words or values."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import typer

from earwitness.core.errors import UsageError

Word = TypeVar("Word", bound=str)


def one_of(option: str, given: str, words: tuple[Word, ...]) -> Word:
    """The word that was given.

    Raises:
        UsageError: it is none of `words`.
    """
    for word in words:
        if given == word:
            return word
    raise UsageError(f"{option} is one of {', '.join(words)}, not '{given}'")


def check_fov(fov: float) -> None:
    """Refuse a horizontal field of view (--fov, degrees) that no camera has.

    Raises:
        UsageError: it is not within 1..170.
    """
    if not 1 <= fov <= 170:
        raise UsageError(f"--fov must lie in 1..170 degrees, not {fov:g}")


def folder_name(text: str | Path) -> Path:
    """A folder's name from the command line; "" is what a shell makes of a variable that is not set.

    Raises:
        BadParameter: the name is empty.
    """
    if not isinstance(text, Path) and not text:
        raise typer.BadParameter("an empty name is no folder; name one, or '.' for the current one")
    return Path(text)
