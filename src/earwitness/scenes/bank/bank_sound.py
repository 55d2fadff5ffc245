"""One recording of a sound bank; which recordings a licence leaves."""

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
"""Freesound names licences by their address at creativecommons.org."""


@dataclass(frozen=True, slots=True)
class BankSound:
    """One recording of a bank.

    Attributes:
        name: path below the bank's folder, with forward slashes; names the sound in scene recipes.
        kind: slug of a target class, or "background" or "interference".
        split: "train" or "valid"; "" where the bank has no splits.
        group: speaker, recording or sample family; sounds of a group are never in two splits.
        licence, attribution: what to credit; "" where unknown.
        variant_of: the recording that this is a changed copy of (pitched, filtered, cut again); "" for an original.
    """

    name: str
    kind: str
    split: str = ""
    group: str = ""
    licence: str = ""
    attribution: str = ""
    variant_of: str = ""


def with_licence(sounds: Iterable[BankSound], licences: Iterable[str]) -> list[BankSound]:
    """The sounds under one of `licences` ("cc0", "cc-by"); versions do not matter, unknown licences never pass."""
    wanted = {licence_family(licence) for licence in licences}
    return [sound for sound in sounds if sound.licence and licence_family(sound.licence) in wanted]


def licence_family(licence: str) -> str:
    """A licence without its version or punctuation: "CC-BY-4.0", "CC BY 3.0" are "ccby"; "CC0-1.0" is "cc0"."""
    for part, family in _ADDRESSES.items():
        if part in licence:
            return family
    words = re.sub(r"[-_ ]*(v\.?)?\d+\.\d+.*$", "", licence.strip().lower())
    return re.sub(r"[^a-z0-9]", "", words)
