"""Finds the unusable sounds of a bank; the result for each file is cached."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from earwitness.core.errors import BankError, EncodingError, one_line
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import cache_folder
from earwitness.scenes.bank.recording import read_recording, sounds_at_once
from earwitness.scenes.bank.sound_bank import SoundBank

_VERSION: Final = 1
"""Version of the check; cached results of other versions are ignored."""


def unusable_sounds(
    bank: SoundBank | str | Path, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> dict[str, str]:
    """Names of unusable sounds with the reasons; cached for each file until it changes.

    A file whose beginning is clearly audible is accepted at once; other files are decoded.

    Args:
        bank: an open bank, or its path.
        cache: folder of the cached results; by default in the user's cache.
        progress: called with (files checked, files to check).

    Raises:
        BankError: there is no such bank, or it has no sounds.
    """
    bank = bank if isinstance(bank, SoundBank) else SoundBank.open(bank)
    kept = (cache or cache_folder("bank-checks")) / f"{bank_key(bank.root)}.json"
    known = _read(kept)
    stamps = {sound.name: file_stamp(bank.root / sound.name) for sound in bank.sounds}
    changed = [name for name, stamp in stamps.items() if name not in known or known[name][0] != stamp]
    found = {name: known[name] for name in stamps if name in known}
    for number, name in enumerate(changed, start=1):
        found[name] = stamps[name], _problem(bank.root / name)
        if progress:
            progress(number, len(changed))
    if changed:
        with suppress(OSError, EncodingError), atomic_file(kept) as temporary:
            text = json.dumps({"version": _VERSION, "sounds": known | found})
            temporary.write_text(text, encoding="utf-8")
    return {sound.name: found[sound.name][1] for sound in bank.sounds if found[sound.name][1]}


def file_stamp(path: Path) -> str:
    """A text that changes with the file; the same for all missing files."""
    try:
        about = path.stat()
    except (OSError, ValueError):
        return "missing"
    return f"{about.st_size} {about.st_ino} {about.st_mtime_ns} {about.st_ctime_ns}"


def first_names(names: Sequence[str], shown: int = 3) -> str:
    """The first few names and the number of the others, for messages."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return one_line(", ".join(names[:shown])) + more


def _problem(path: Path) -> str:
    if sounds_at_once(path):
        return ""
    try:
        read_recording(path)
    except BankError as error:
        return str(error)
    return ""


def bank_key(root: Path) -> str:
    """Key of a bank in the cache, from its folder."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]


def _read(path: Path) -> dict[str, tuple[str, str]]:
    """Stamps and problems by name; empty if there is no readable file."""
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["version"] == _VERSION:
            return {str(name): (str(stamp), str(why)) for name, (stamp, why) in raw["sounds"].items()}
    return {}
