"""Checks of option values: choices, fields of view, folders, weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from earwitness.core.errors import UsageError

if TYPE_CHECKING:
    from earwitness.results.class_choice import ClassChoice
    from earwitness.results.detection import Detection

Word = TypeVar("Word", bound=str)


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
    from earwitness.cli.command import say

    if absent := choice.already_left_out(result):
        say(f"these events were detected without {', '.join(absent)}; detect again to have them")
    return choice.apply(result)
