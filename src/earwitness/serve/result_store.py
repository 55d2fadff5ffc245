"""Uploads and results on disk: each in a folder of its own with a random name, for the visitor who sent it."""

from __future__ import annotations

import secrets
import shutil
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

_MOST_STORED: Final = 20
"""All results together may take as much as so many of the largest uploads; then the oldest go early."""


@dataclass(slots=True)
class StoredResult:
    """One upload and what was made of it.

    Attributes:
        token: its random name.
        session: of the visitor who sent it.
        folder: where its files lie.
        report: name of the report; "" until it is there.
        born: when it was finished (monotonic seconds); None while it is worked on.
        size: bytes of its files.
    """

    token: str
    session: str
    folder: Path
    report: str = ""
    born: float | None = None
    size: int = 0


@dataclass(slots=True)
class ResultStore:
    """Keeps results as long as promised, and gives them to the visitor who sent the upload, to nobody else.

    Attributes:
        folder: where all of it lies.
        keep_seconds: after which results are removed.
        most_bytes: of the largest upload.
    """

    folder: Path
    keep_seconds: float
    most_bytes: int
    _results: dict[str, StoredResult] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def open(self, session: str) -> StoredResult:
        """A new, empty folder."""
        token = secrets.token_urlsafe(16)
        result = StoredResult(token, session, self.folder / token)
        result.folder.mkdir(parents=True)
        with self._lock:
            self._results[token] = result
        return result

    def finish(self, result: StoredResult, report: str) -> None:
        """Its files are all there, and can be fetched from now on."""
        result.size = sum(path.stat().st_size for path in result.folder.iterdir())
        result.report, result.born = report, time.monotonic()
        self.sweep()

    def discard(self, result: StoredResult) -> None:
        """Remove it."""
        with self._lock:
            self._results.pop(result.token, None)
        shutil.rmtree(result.folder, ignore_errors=True)

    def find(self, session: str, token: str, name: str) -> tuple[StoredResult, Path] | None:
        """A finished result's file; None for anything else, whatever its path looks like, and for other visitors."""
        with self._lock:
            result = self._results.get(token)
        if result is None or result.born is None or not secrets.compare_digest(result.session, session):
            return None
        if not name or name != Path(name).name or "\0" in name or name in (".", ".."):
            return None
        path = result.folder / name
        return (result, path) if is_own_file(path, result.folder) else None

    def sweep(self) -> None:
        """Remove results that are older than promised, and the oldest where all of them take too much."""
        oldest = time.monotonic() - self.keep_seconds
        with self._lock:
            finished = [(result.born, result) for result in self._results.values() if result.born is not None]
        finished.sort(key=lambda one: one[0])
        stored = sum(result.size for _, result in finished)
        for k, (born, result) in enumerate(finished):
            crowded = stored > _MOST_STORED * self.most_bytes and k < len(finished) - 1
            if born < oldest or crowded:
                stored -= result.size
                self.discard(result)


def is_own_file(path: Path, folder: Path) -> bool:
    """Whether a path is a regular file that lies right in a folder; links and what they lead to are not."""
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False
    return regular and path.resolve().parent == folder.resolve()
