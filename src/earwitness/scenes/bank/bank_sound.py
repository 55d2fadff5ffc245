"""The description of a recording in a sound bank: licence, class by labels or folder names, lists as CSV files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from earwitness.core.classes.class_files import slug_of
from earwitness.core.errors import BankError
from earwitness.core.vocabulary import DCASE2025, Vocabulary

BACKGROUND: Final = "background"
INTERFERENCE: Final = "interference"

_ADDRESSES: Final = {
    "publicdomain/zero": "cc0",
    "licenses/by/": "ccby",
    "licenses/by-nc/": "ccbync",
    "licenses/by-sa/": "ccbysa",
}
"""Freesound identifies licences by their URL at creativecommons.org."""

_GENERAL: Final = {
    "bell": {"telephone", "musical_instrument"},
    "music": {"musical_instrument"},
    "door": {"knock", "bell"},
}
"""Classes whose label is implied in AudioSet's ontology by more specific labels of other classes."""

_LARGEST_LIST: Final = 256 * 2**20
"""Maximum size of a list of recordings in bytes; those of FSD50K have 3 million."""
_DETAILS: Final = ("split", "group", "licence", "attribution", "variant_of")


@dataclass(frozen=True, slots=True)
class BankSound:
    """One recording of a bank.

    Attributes:
        name: path relative to the folder of the bank, with forward slashes; identifies the sound in scene recipes.
        kind: slug of a target class, or "background" or "interference".
        split: "train" or "valid"; "" if the bank has no splits.
        group: speaker, recording or sample family; the sounds of a group must be in one split.
        licence, attribution: for credits; "" if unknown.
        variant_of: name of the recording that this one was derived from (pitched, filtered, cut); "" for an original.
    """

    name: str
    kind: str
    split: str = ""
    group: str = ""
    licence: str = ""
    attribution: str = ""
    variant_of: str = ""


def with_licence(sounds: Iterable[BankSound], licences: Iterable[str]) -> list[BankSound]:
    """The sounds under one of `licences` ("cc0", "cc-by") of any version; sounds without a licence are left out."""
    wanted = {licence_family(licence) for licence in licences}
    return [sound for sound in sounds if sound.licence and licence_family(sound.licence) in wanted]


def licence_family(licence: str) -> str:
    """A licence without version and punctuation: "ccby" for "CC-BY-4.0" and "CC BY 3.0", "cc0" for "CC0-1.0"."""
    for part, family in _ADDRESSES.items():
        if part in licence:
            return family
    words = re.sub(r"[-_ ]*(v\.?)?\d+\.\d+.*$", "", licence.strip().lower())
    return re.sub(r"[^a-z0-9]", "", words)


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


def list_rows(path: Path, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a list with their line numbers.

    Raises:
        BankError: the list cannot be read or lacks a column.
    """
    try:
        if path.stat().st_size > _LARGEST_LIST:
            raise BankError(f"'{path}' is too large for a list of recordings; give another file")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = needed - set(reader.fieldnames or ())
            if missing:
                raise BankError(f"'{path}' lacks the column(s) {', '.join(sorted(missing))}")
            for row in reader:
                cells = {key: (cell or "").strip() for key, cell in row.items() if isinstance(key, str)}
                yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BankError(f"'{path}' cannot be read: {error}") from error


def listed_classes(path: Path, needed: set[str]) -> list[str]:
    """The different classes of a list, sorted; spellings of one class are one."""
    names = {slug_of(row["class"]): row["class"] for _, row in list_rows(path, needed) if row["class"]}
    return [names[slug] for slug in sorted(names)]


def listed_sound(place: tuple[Path, int], row: dict[str, str], name: str, labels: LabelMap) -> BankSound:
    """The recording in a row at a place: file and line.

    Raises:
        BankError: its class is unknown, or its path leads out of the folder.
    """
    path, line = place
    kind = labels.kind_of(row["class"])
    if kind is None:
        known = ", ".join(sorted(labels.kinds))
        raise BankError(
            f"'{path}', line {line}: unknown class '{row['class']}'; known are {known} (list your own in classes.yaml)"
        )
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise BankError(f"'{path}', line {line}: file '{name}' must be a path inside the bank's folder")
    return BankSound(name, kind, *(row.get(key, "") for key in _DETAILS))
