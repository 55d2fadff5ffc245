"""Maps labels of AudioSet, FSD50K and ESC-50, and names of folders, to the classes of a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from earwitness.core.classes.class_names import slug_of
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.scenes.bank.bank_sound import BACKGROUND, INTERFERENCE

_GENERAL: Final = {
    "bell": {"telephone", "musical_instrument"},
    "music": {"musical_instrument"},
    "door": {"knock", "bell"},
}
"""Classes whose label is implied in AudioSet's ontology by more specific labels of other classes."""


@dataclass(frozen=True)
class LabelMap:
    """Labels of the classes of a vocabulary.

    Attributes:
        vocabulary: the classes.
    """

    vocabulary: Vocabulary

    @cached_property
    def _by_label(self) -> dict[str, str]:
        # Slugs come last: a class wins over the label of another one.
        labels = {slug_of(label): one.slug for one in self.vocabulary for label in (*one.labels, one.name)}
        return labels | {one.slug: one.slug for one in self.vocabulary}

    @property
    def kinds(self) -> tuple[str, ...]:
        """Slugs of the classes, and the two kinds of sound that are no class."""
        return (*self.vocabulary.slugs, BACKGROUND, INTERFERENCE)

    def kind_of(self, name: str) -> str | None:
        """The kind of sound in a folder of this name, or with this label; None if it is none."""
        return name if name in self.kinds else self.class_of(name)

    def class_of(self, label: str) -> str | None:
        """Slug of the class of a label of AudioSet, FSD50K or ESC-50; None if it has no class.

        Spaces, commas and underscores are equivalent: "Water tap, faucet", "Water_tap_and_faucet".
        """
        return self._by_label.get(slug_of(label))

    def class_of_all(self, labels: Iterable[str]) -> str | None:
        """Slug of the only class of a recording with these labels; None if it has none or several.

        Labels of an ontology include their parents ("Telephone", "Bell", "Domestic sounds"); the most specific one
        counts.
        """
        found = {slug for slug in map(self.class_of, labels) if slug}
        found -= {general for general, special in _GENERAL.items() if found & special}
        if len(found) > 1:
            found.discard("domestic_sounds")  # the parent of doors, knocks and taps
        return found.pop() if len(found) == 1 else None


DEFAULT_MAP: Final = LabelMap(DCASE2025)


def class_of(label: str) -> str | None:
    """Slug of the default class of a label; see `LabelMap.class_of`."""
    return DEFAULT_MAP.class_of(label)


def class_of_all(labels: Iterable[str]) -> str | None:
    """Slug of the only default class of a recording with these labels; see `LabelMap.class_of_all`."""
    return DEFAULT_MAP.class_of_all(labels)
