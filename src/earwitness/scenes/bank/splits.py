"""Assigns the recordings of a bank to splits, and checks that no recording is in two splits."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from earwitness.core.errors import BankError
from earwitness.scenes.bank.bank_sound import BankSound

VALID_SHARE: Final = 0.2
"""Share of the groups in "valid" if a bank has no splits of its own."""
_PEEK_BYTES: Final = 16_384
"""Bytes from the middle of files that are compared before complete files are read."""

Copies = Sequence[frozenset[str]]
"""Sets of names of recordings with byte-identical files."""


def with_splits(sounds: Iterable[BankSound], seed: int = 0, copies: Copies = ()) -> list[BankSound]:
    """Assign whole groups to "train" or "valid" if the bank has no splits; otherwise the sounds are unchanged.

    The split of a group depends only on its name and the seed, so that adding sounds does not change the split of
    others. Groups that share a recording (copies of a file, variants of a recording) are assigned together.
    """
    sounds = list(sounds)
    if any(sound.split for sound in sounds):
        return sounds
    family = _families(sounds, copies)
    return [replace(sound, split=_split(family[sound.group or sound.name], seed)) for sound in sounds]


def _split(group: str, seed: int) -> str:
    digest = hashlib.sha256(f"{seed}:{group}".encode(errors="surrogateescape")).digest()
    return "valid" if int.from_bytes(digest[:8], "big") < VALID_SHARE * 2**64 else "train"


def _families(sounds: Sequence[BankSound], copies: Copies) -> dict[str, str]:
    """For each group, the first name among all groups connected to it; a sound without a group is its own group."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    key_of = {sound.name: sound.group or sound.name for sound in sounds}
    first_variant: dict[str, str] = {}
    links = [(key_of[sound.name], key_of.get(sound.variant_of) or first_variant.setdefault(
        sound.variant_of, key_of[sound.name])) for sound in sounds if sound.variant_of]  # fmt: skip
    for same in copies:
        keys = sorted(key_of[name] for name in same if name in key_of)
        links += [(keys[0], key) for key in keys[1:]]
    for one, other in links:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {key: root(key) for key in key_of.values()}


def copied_files(root: Path, sounds: Iterable[BankSound]) -> list[frozenset[str]]:
    """Names of recordings with byte-identical files; only files of equal size are opened."""
    by_size: dict[Hashable, list[str]] = defaultdict(list)
    for name in dict.fromkeys(sound.name for sound in sounds):
        try:
            about = (root / name).stat()
        except (OSError, ValueError):
            continue  # reported as missing when it is used
        if about.st_size and (root / name).is_file():
            by_size[about.st_size].append(name)
    found = _alike(by_size.values(), lambda name: _middle(root / name))
    return [frozenset(names) for names in _alike(found, lambda name: _digest(root / name))]


def _alike(groups: Iterable[list[str]], key: Callable[[str], Hashable]) -> list[list[str]]:
    """Subsets of each group with the same key and at least two members."""
    parts = []
    for names in groups:
        by_key: dict[Hashable, list[str]] = defaultdict(list)
        for name in names if len(names) > 1 else ():
            by_key[key(name)].append(name)
        parts += [alike for alike in by_key.values() if len(alike) > 1]
    return parts


def _middle(path: Path) -> Hashable:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size // 2 - _PEEK_BYTES // 2))
            return file.read(_PEEK_BYTES)
    except OSError:
        return path  # unique


def _digest(path: Path) -> Hashable:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return path


def refuse_leaks(root: Path, sounds: Sequence[BankSound], copies: Copies = ()) -> None:
    """Check that no recording of a bank is in two splits.

    Raises:
        BankError: a file, a group, a variant or a copy of a file is in two splits; the message names them.
    """
    by_name = {sound.name: sound for sound in sounds}
    _refuse(root, sounds, lambda sound: sound.name, "the file '{key}' is listed")
    _refuse(root, sounds, lambda sound: sound.group, "the group '{key}' is")
    for sound in sounds:
        original = by_name.get(sound.variant_of)
        if original is not None and _apart(sound, original):
            raise BankError(
                f"the bank at '{root}': '{sound.name}' ({sound.split}) is a variant of '{original.name}' "
                f"({original.split}); put both in one split"
            )
    _refuse(root, sounds, lambda sound: sound.variant_of, "what is a variant of '{key}' is")
    for same in copies:
        for one, other in _neighbours([by_name[name] for name in sorted(same) if name in by_name]):
            if _apart(one, other):
                raise BankError(
                    f"the bank at '{root}': '{one.name}' ({one.split}) and '{other.name}' ({other.split}) are the same "
                    "recording; remove one, or put both in one split"
                )


def refuse_shared(root: Path, sounds: Sequence[BankSound], copies: Copies) -> None:
    """Check that no recording belongs to two classes.

    Raises:
        BankError: two files of different classes are the same; the message names them.
    """
    by_name = {sound.name: sound for sound in sounds}
    for same in copies:
        first, *others = (by_name[name] for name in sorted(same) if name in by_name)
        for other in others:
            if other.kind != first.kind:
                raise BankError(
                    f"the sound bank at '{root}': '{first.name}' ({first.kind}) and '{other.name}' ({other.kind}) are "
                    "the same recording; keep it in one class"
                )


def _refuse(root: Path, sounds: Sequence[BankSound], key: Callable[[BankSound], str], what: str) -> None:
    first: dict[str, BankSound] = {}
    for sound in sounds:
        if not key(sound) or not sound.split:
            continue
        other = first.setdefault(key(sound), sound)
        if _apart(sound, other):
            raise BankError(
                f"the bank at '{root}': {what.format(key=key(sound))} in the splits '{other.split}' and "
                f"'{sound.split}' ('{other.name}', '{sound.name}'); put all of it in one split"
            )


def _apart(one: BankSound, other: BankSound) -> bool:
    return bool(one.split and other.split) and one.split != other.split


def _neighbours(sounds: list[BankSound]) -> Iterable[tuple[BankSound, BankSound]]:
    split = [sound for sound in sounds if sound.split]
    return pairwise(split)


def without_split(sounds: Iterable[BankSound]) -> list[str]:
    """Names of the sounds without a split in a bank with splits; no split contains them."""
    sounds = list(sounds)
    return [sound.name for sound in sounds if not sound.split] if any(sound.split for sound in sounds) else []


def split_names(sounds: Iterable[BankSound]) -> str:
    """The splits and their numbers of sounds, for messages."""
    counts = Counter(sound.split or "none" for sound in sounds)
    return ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
