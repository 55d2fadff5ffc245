"""Uploads and results on disk: each in its own folder with a random name, readable by its visitor only.

Visitors are told apart by signed cookies; the server stores no list of them.
"""

from __future__ import annotations

import hmac
import secrets
import shutil
import stat
import time
from dataclasses import dataclass, field
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from threading import Lock
from typing import Final

_MOST_STORED: Final = 20
"""Total size of all results, in largest uploads; beyond it, the oldest are removed early."""


@dataclass(slots=True)
class StoredResult:
    """One upload and its results.

    Attributes:
        token: its random name.
        session: session of its visitor.
        folder: folder of its files.
        report: name of the report; "" until it is written.
        finished_at: time at which it was finished (monotonic seconds); None while it is processed.
        size: size of its files, bytes.
    """

    token: str
    session: str
    folder: Path
    report: str = ""
    finished_at: float | None = None
    size: int = 0


@dataclass(slots=True)
class ResultStore:
    """Keeps results for a limited time, and returns them to the visitor who sent the upload only.

    Attributes:
        folder: folder of all results.
        keep_seconds: time after which results are removed.
        most_bytes: size of the largest upload.
    """

    folder: Path
    keep_seconds: float
    most_bytes: int
    _results: dict[str, StoredResult] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def open(self, session: str) -> StoredResult:
        """Create a new, empty result."""
        token = secrets.token_urlsafe(16)
        result = StoredResult(token, session, self.folder / token)
        result.folder.mkdir(parents=True)
        with self._lock:
            self._results[token] = result
        return result

    def finish(self, result: StoredResult, report: str) -> None:
        """Mark a result as complete, so that its files can be requested."""
        result.size = sum(path.stat().st_size for path in result.folder.iterdir())
        result.report, result.finished_at = report, time.monotonic()
        self.sweep()

    def discard(self, result: StoredResult) -> None:
        """Remove a result and its files."""
        with self._lock:
            self._results.pop(result.token, None)
        shutil.rmtree(result.folder, ignore_errors=True)

    def find(self, session: str, token: str, name: str) -> tuple[StoredResult, Path] | None:
        """Return a file of a finished result; None for any other path and for other visitors."""
        with self._lock:
            result = self._results.get(token)
        if result is None or result.finished_at is None or not secrets.compare_digest(result.session, session):
            return None
        if not name or name != Path(name).name or "\0" in name or name in (".", ".."):
            return None
        path = result.folder / name
        return (result, path) if is_own_file(path, result.folder) else None

    def sweep(self) -> None:
        """Remove expired results, and the oldest ones if all together are too large."""
        oldest = time.monotonic() - self.keep_seconds
        with self._lock:
            finished = [(one.finished_at, one) for one in self._results.values() if one.finished_at is not None]
        finished.sort(key=lambda one: one[0])
        stored = sum(result.size for _, result in finished)
        for k, (finished_at, result) in enumerate(finished):
            crowded = stored > _MOST_STORED * self.most_bytes and k < len(finished) - 1
            if finished_at < oldest or crowded:
                stored -= result.size
                self.discard(result)


def is_own_file(path: Path, folder: Path) -> bool:
    """Whether a path is a regular file directly in a folder, not a link."""
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False
    return regular and path.resolve().parent == folder.resolve()


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes and checks the cookies of one server; it rejects those of other servers and of earlier runs.

    Attributes:
        cookie: name of the cookie; must differ between servers on one machine, because cookies ignore ports.
    """

    cookie: str
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def new(self) -> str:
        """A Set-Cookie header for a new visitor; scripts cannot read the cookie, and other sites cannot send it."""
        name = secrets.token_urlsafe(16)
        return f"{self.cookie}={name}.{self._signature(name)}; Path=/; HttpOnly; SameSite=Lax"

    def find(self, header: str | None) -> str | None:
        """The session in the Cookie header of a request; None without a valid one."""
        try:
            cookies = SimpleCookie(header or "")
        except CookieError:
            return None
        if self.cookie not in cookies:
            return None
        name, _, signature = cookies[self.cookie].value.partition(".")
        known = hmac.compare_digest(signature.encode(), self._signature(name).encode())
        return name if known else None

    def _signature(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), sha256).hexdigest()
