"""Where files lie that can be made or fetched again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def cache_folder(part: str) -> Path:
    """Folder for one kind of such files: $EARWITNESS_CACHE/part, or `earwitness/part` in the user's cache folder."""
    chosen = os.environ.get("EARWITNESS_CACHE")
    if chosen:
        return Path(chosen) / part
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or str(Path.home() / ".cache")
    return Path(base) / "earwitness" / part


def keep_within(folder: Path, limit: int) -> None:
    """Remove the files of a folder that were not used for longest, until the others take at most `limit` bytes.

    When a file was used, the time of its last change tells: who reads one, touches it. Hidden files, which are being
    written, and those that others remove meanwhile, are left alone.

    Raises:
        OSError: the folder cannot be read.
    """
    found = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if not path.name.startswith(".") and path.is_file():
                found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            return
        path.unlink(missing_ok=True)
        total -= size
