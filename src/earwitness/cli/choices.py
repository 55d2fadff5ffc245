"""Options with a few allowed words."""

from __future__ import annotations

from typing import TypeVar

from earwitness.errors import RecipeError

Word = TypeVar("Word", bound=str)


def one_of(option: str, given: str, words: tuple[Word, ...]) -> Word:
    """The word that was given.

    Raises:
        RecipeError: it is none of `words`.
    """
    for word in words:
        if given == word:
            return word
    raise RecipeError(f"{option} is one of {', '.join(words)}, not '{given}'")
