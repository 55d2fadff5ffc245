"""From the labels of AudioSet, FSD50K and ESC-50 to the classes of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from earwitness.core.vocabulary import CLASSES


def _key(label: str) -> str:
    """Spelling that the three vocabularies share: lower case, words joined by underscores, no punctuation."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


_BY_LABEL: Final[dict[str, str]] = {_key(label): one.slug for one in CLASSES for label in [one.slug, *one.labels]}
_GENERAL: Final = {
    "bell": {"telephone", "musical_instrument"},
    "music": {"musical_instrument"},
    "door": {"knock", "bell"},
}
"""A class whose label another class's more special label implies in AudioSet's ontology."""


def class_of(label: str) -> str | None:
    """Slug of the class that a label of AudioSet, FSD50K or ESC-50 belongs to; None where it belongs to none.

    Spelling with spaces, commas or underscores is the same: "Water tap, faucet", "Water_tap_and_faucet".
    """
    return _BY_LABEL.get(_key(label))


def class_of_all(labels: Iterable[str]) -> str | None:
    """Slug of the one class that a recording with these labels shows.

    Labels of an ontology come with their parents ("Telephone", "Bell", "Domestic sounds"): of two classes the more
    special counts. None where no label has a class, or where two sound at once.
    """
    found = {slug for slug in map(class_of, labels) if slug}
    found -= {general for general, special in _GENERAL.items() if found & special}
    if len(found) > 1:
        found.discard("domestic_sounds")  # the parent of doors, knocks, taps and footsteps' floors
    return found.pop() if len(found) == 1 else None
