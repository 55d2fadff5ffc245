"""One recording of a sound bank; which recordings a licence or a split leaves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

BACKGROUND: Final = "background"
INTERFERENCE: Final = "interference"
VALID_SHARE: Final = 0.2
"""Share of the groups that are valid where a bank has no splits of its own."""


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
    """

    name: str
    kind: str
    split: str = ""
    group: str = ""
    licence: str = ""
    attribution: str = ""


def with_splits(sounds: Iterable[BankSound], seed: int = 0) -> list[BankSound]:
    """The same sounds with a split each, where the bank has none at all: whole groups go to train or to valid.

    The split of a group depends on its name and the seed alone, so that adding sounds moves no other. Banks with a
    split of their own are left as they are.
    """
    sounds = list(sounds)
    if any(sound.split for sound in sounds):
        return sounds
    return [replace(sound, split=_split(sound.group or sound.name, seed)) for sound in sounds]


def _split(group: str, seed: int) -> str:
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return "valid" if int.from_bytes(digest[:8], "big") < VALID_SHARE * 2**64 else "train"


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
