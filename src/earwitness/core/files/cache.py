"""The user's cache folder, and digests of files, stored so that unchanged files need not be read again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import platformdirs

from earwitness.core.errors import UsageError
from earwitness.core.files.atomic import atomic_file

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


def stamp(source: Path) -> list[int] | None:
    """Size and modification time of a file; None if it does not exist."""
    try:
        stat = source.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


_SETTLED_NS: Final = 3_000_000_000
"""A file modified this recently could change again without a new time stamp, so its digest is not stored."""


@dataclass(slots=True)
class Digests:
    """SHA-256 digests of files, stored by path, size, inode, modification time and inode change time.

    The inode change time detects changes by tools that preserve or set the modification time.

    Attributes:
        known: (stamp, digest) by path.
        read: number of files that had to be read.
    """

    known: dict[str, tuple[str, str]] = field(default_factory=dict)
    read: int = 0

    @classmethod
    def load(cls, path: Path) -> Digests:
        """Load what `save` wrote; empty if the file is missing or damaged, so that all files are read again."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return cls({str(name): (str(stamp), str(digest)) for name, (stamp, digest) in raw.items()})
        except (OSError, ValueError, AttributeError, TypeError):
            return cls()

    def save(self, path: Path) -> None:
        """Save the digests atomically.

        Raises:
            EncodingError: the file cannot be written.
        """
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(self.known), encoding="utf-8")

    def of(self, path: Path | None) -> str:
        """Hexadecimal digest of a file's content; "missing" or "unreadable" if there is none."""
        if path is None:
            return "missing"
        name = os.path.abspath(path)  # noqa: PTH100, Path.resolve is slow on thousands of files
        try:
            begun = time.time_ns()
            stamp, changed = _stamp(name)
            if name in self.known and self.known[name][0] == stamp:
                return self.known[name][1]
            with Path(name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            self.read += 1
            if changed < begun - _SETTLED_NS and _stamp(name)[0] == stamp:
                self.known[name] = stamp, digest
        except OSError:
            return "unreadable"
        return digest


def _stamp(name: str) -> tuple[str, int]:
    """A string that changes with the file, and the time of its last change in ns."""
    stat = os.stat(name)  # noqa: PTH116
    return f"{stat.st_size} {stat.st_ino} {stat.st_mtime_ns} {stat.st_ctime_ns}", max(
        stat.st_mtime_ns, stat.st_ctime_ns
    )
