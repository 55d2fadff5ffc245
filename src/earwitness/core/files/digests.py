"""Hashes of files that are read again only when the files changed.

Whether a file is still the one that was read.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from earwitness.core.files.atomic import atomic_file


def stamp(source: Path) -> list[int] | None:
    """Size and time of change of a file; None where it is gone."""
    try:
        stat = source.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


_SETTLED_NS: Final = 3_000_000_000
"""A file changed so shortly before it was read could change again under the same time stamp: it is not remembered."""


@dataclass(slots=True)
class Digests:
    """SHA-256 of files, remembered by path, size, inode and times of change.

    The time of the inode's change is among them since tools that keep or set a file's own time cannot set it.

    Attributes:
        known: (stamp, digest) by path.
        read: files whose content was read, rather than remembered.
    """

    known: dict[str, tuple[str, str]] = field(default_factory=dict)
    read: int = 0

    @classmethod
    def load(cls, path: Path) -> Digests:
        """What `save` kept; nothing if it is not there or damaged, for then the files are simply read."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return cls({str(name): (str(stamp), str(digest)) for name, (stamp, digest) in raw.items()})
        except (OSError, ValueError, AttributeError, TypeError):
            return cls()

    def save(self, path: Path) -> None:
        """Keep them, whole or not at all.

        Raises:
            EncodingError: the file cannot be written.
        """
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(self.known), encoding="utf-8")

    def of(self, path: Path | None) -> str:
        """Hexadecimal digest of a file's content; a word of its own for a file that is missing or cannot be read."""
        if path is None:
            return "missing"
        name = os.path.abspath(path)  # noqa: PTH100, thousands of Path.resolve would follow thousands of links
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
    """What changes when a file does, and when that was, ns."""
    stat = os.stat(name)  # noqa: PTH116
    return f"{stat.st_size} {stat.st_ino} {stat.st_mtime_ns} {stat.st_ctime_ns}", max(
        stat.st_mtime_ns, stat.st_ctime_ns
    )
