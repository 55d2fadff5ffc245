"""Which sounds of a bank cannot be used, looked up once: to know it, every file has to be decoded."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from earwitness.core.errors import EncodingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import cache_folder
from earwitness.scenes.bank.sound_bank import SoundBank


def unusable_sounds(root: str | Path, cache: Path | None = None) -> dict[str, str]:
    """Names of sounds that cannot be used, and why; kept in the cache until a file of the bank changes.

    Args:
        root: of the bank; see `SoundBank.open`.
        cache: folder for what was found; by default the user's.

    Raises:
        BankError: no such bank, or no sounds.
    """
    bank = SoundBank.open(root)
    kept = (cache or cache_folder("bank-checks")) / f"{_state(bank)}.json"
    with suppress(OSError, ValueError):
        found = json.loads(kept.read_text(encoding="utf-8"))
        return {str(name): str(why) for name, why in found.items()}
    wrong = {name: str(error) for name, error in bank.check().items()}
    with suppress(OSError, EncodingError), atomic_file(kept) as temporary:
        temporary.write_text(json.dumps(wrong), encoding="utf-8")
    return wrong


def _state(bank: SoundBank) -> str:
    """Hash of the names, sizes and times of the files."""
    digest = hashlib.sha256(str(bank.root.resolve()).encode(errors="surrogateescape"))
    for sound in bank.sounds:
        path = bank.root / sound.name
        about = path.stat() if path.is_file() else None
        digest.update(f"|{sound.name}|{about and (about.st_size, about.st_mtime_ns)}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]
