"""Which sounds of a bank cannot be used, looked up once for each file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from earwitness.core.errors import BankError, EncodingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import cache_folder
from earwitness.scenes.bank.recording import read_recording, sounds_at_once
from earwitness.scenes.bank.sound_bank import SoundBank

_VERSION: Final = 1
"""Of what counts as unusable; verdicts of others are not believed."""


def unusable_sounds(
    bank: SoundBank | str | Path, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> dict[str, str]:
    """Names of sounds that cannot be used, and why; remembered for each file until it changes.

    A file whose beginning is plainly audible needs no more than that; the others are decoded.

    Args:
        bank: an open bank, or where it is.
        cache: folder for what was found; by default the user's.
        progress: called with (files looked at, files to be looked at).

    Raises:
        BankError: no such bank, or no sounds.
    """
    bank = bank if isinstance(bank, SoundBank) else SoundBank.open(bank)
    kept = (cache or cache_folder("bank-checks")) / f"{bank_key(bank.root)}.json"
    known = _read(kept)
    stamps = {sound.name: file_stamp(bank.root / sound.name) for sound in bank.sounds}
    changed = [name for name, stamp in stamps.items() if name not in known or known[name][0] != stamp]
    found = {name: known[name] for name in stamps if name in known}
    for number, name in enumerate(changed, start=1):
        found[name] = stamps[name], _why_not(bank.root / name)
        if progress:
            progress(number, len(changed))
    if changed:
        with suppress(OSError, EncodingError), atomic_file(kept) as temporary:
            text = json.dumps({"version": _VERSION, "sounds": known | found})
            temporary.write_text(text, encoding="utf-8")
    return {sound.name: found[sound.name][1] for sound in bank.sounds if found[sound.name][1]}


def file_stamp(path: Path) -> str:
    """What changes when a file does; the same for all that are missing."""
    try:
        about = path.stat()
    except (OSError, ValueError):
        return "missing"
    return f"{about.st_size} {about.st_ino} {about.st_mtime_ns} {about.st_ctime_ns}"


def first_names(names: Sequence[str], shown: int = 3) -> str:
    """A few names of many, for messages."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return printable(", ".join(names[:shown])) + more


def printable(text: str) -> str:
    """A message on one line, also where names in it have characters that do not print."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _why_not(path: Path) -> str:
    if sounds_at_once(path):
        return ""
    try:
        read_recording(path)
    except BankError as error:
        return str(error)
    return ""


def bank_key(root: Path) -> str:
    """Names of banks in the cache: by their folders."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]


def _read(path: Path) -> dict[str, tuple[str, str]]:
    """Stamps and verdicts by name; none where there are none yet, or they are damaged."""
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["version"] == _VERSION:
            return {str(name): (str(stamp), str(why)) for name, (stamp, why) in raw["sounds"].items()}
    return {}
