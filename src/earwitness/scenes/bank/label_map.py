"""Maps labels of AudioSet, FSD50K and ESC-50 to the classes of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from earwitness.core.vocabulary import CLASSES


def _key(label: str) -> str:
    """Normalised spelling: lower case, words joined by underscores, no punctuation."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


_BY_LABEL: Final[dict[str, str]] = {_key(label): one.slug for one in CLASSES for label in [one.slug, *one.labels]}
_GENERAL: Final = {
    "bell": {"telephone", "musical_instrument"},
    "music": {"musical_instrument"},
    "door": {"knock", "bell"},
}
"""Classes whose label is implied in AudioSet's ontology by more specific labels of other classes."""


def class_of(label: str) -> str | None:
    """Slug of the class of a label of AudioSet, FSD50K or ESC-50; None if it has no class.

    Spaces, commas and underscores are equivalent: "Water tap, faucet", "Water_tap_and_faucet".
    """
    return _BY_LABEL.get(_key(label))


def class_of_all(labels: Iterable[str]) -> str | None:
    """Slug of the only class of a recording with these labels; None if it has none or several.

    Labels of an ontology include their parents ("Telephone", "Bell", "Domestic sounds"); the most specific one counts.
    """
    found = {slug for slug in map(class_of, labels) if slug}
    found -= {general for general, special in _GENERAL.items() if found & special}
    if len(found) > 1:
        found.discard("domestic_sounds")  # the parent of doors, knocks and taps
    return found.pop() if len(found) == 1 else None
