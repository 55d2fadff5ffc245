"""The user's cache folder, for files that can be computed or downloaded again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from earwitness.core.errors import UsageError

VARIABLE = "EARWITNESS_CACHE"


def cache_folder(part: str) -> Path:
    """Folder of one kind of cached files; it may not exist yet.

    It is `$EARWITNESS_CACHE/part` where that variable is set, else `part` in the platform's cache folder of the program
    (`~/.cache/earwitness` on Linux). A folder that earwitness 0.1.0 made elsewhere (macOS, Windows) stays in use.

    Raises:
        UsageError: the user has no home folder.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen) / part
    folder = platformdirs.user_cache_path("earwitness", appauthor=False) / part
    if folder.parts[0] == "~":
        raise UsageError(f"there is no home folder to keep cached files in; set {VARIABLE} to a folder")
    former = _former_folder(part)
    return former if os.path.isdir(former) and not os.path.isdir(folder) else folder  # noqa: PTH112, these never raise


def keep_within(folder: Path, limit: int) -> None:
    """Delete the least recently used files of a folder until the remaining ones take at most `limit` bytes.

    The modification time counts as the time of last use: whoever reads a file must touch it. Hidden files, which are
    still being written, are left alone, and files that another process deletes meanwhile are skipped.

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


def _former_folder(part: str) -> Path:
    """Where version 0.1.0 kept these files, on every platform."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path("~/.cache").expanduser()
    return Path(base) / "earwitness" / part
