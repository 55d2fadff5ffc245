"""Names of sound classes: slugs for files and folders, and rules that keep names distinct and printable."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from earwitness.core.errors import LabelError, shortened

LONGEST_NAME: Final = 100
RESERVED: Final = frozenset({"background", "interference"})
"""Folders of a sound bank that hold no class."""


def slug_of(name: str) -> str:
    """Name of a class in files and folders: lower case, words joined by underscores, no punctuation.

    Letters and digits of all scripts are kept; accents of Latin letters are removed.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = "".join(_without_accent(character) for character in folded)
    return "_".join("".join(character if character.isalnum() else " " for character in plain).split())


def _without_accent(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[:1]
    return base if base.isascii() and base.isalpha() else character


def display_name(name: str) -> str:
    """A name for people, from that of a folder: "smoke_alarm" becomes "Smoke alarm"; other names stay as they are."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words == words.lower() else words


def check_names(names: Iterable[str]) -> Iterator[str]:
    """Yield the slugs of the names of classes.

    Raises:
        LabelError: a name cannot be used, or two names have the same slug; the message names them.
    """
    known: dict[str, str] = {}
    for name in names:
        shown = shortened(name, 60)
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise LabelError(f"class '{shown}': use a name of at most {LONGEST_NAME} printable characters on one line")
        slug = slug_of(name)
        if not slug:
            raise LabelError(f"class '{shown}': the name has no letter and no digit; choose another")
        if slug in RESERVED:
            raise LabelError(f"class '{shown}': '{slug}' names the sounds of a bank that are no class; choose another")
        if slug in known:
            other = known[slug]
            how = "are the same" if other == name else "differ only in case, accents, spaces or punctuation"
            raise LabelError(f"the classes '{shortened(other, 60)}' and '{shown}' {how}; rename one or join them")
        known[slug] = name
        yield slug
