"""The description of a recording in a sound bank, and selection by licence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BACKGROUND: Final = "background"
INTERFERENCE: Final = "interference"

_ADDRESSES: Final = {
    "publicdomain/zero": "cc0",
    "licenses/by/": "ccby",
    "licenses/by-nc/": "ccbync",
    "licenses/by-sa/": "ccbysa",
}
"""Freesound identifies licences by their URL at creativecommons.org."""


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
