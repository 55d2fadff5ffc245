"""The journal of an output folder, from which an interrupted batch continues.

The first line describes the run: version, model, settings and their fingerprint, and the owner of each result name.
Each further line is a finished file, written after all its results. A run with another fingerprint processes everything
anew, but keeps the result names. Truncated and invalid lines are ignored, and their files are processed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Final, TypeGuard

from earwitness.core.errors import unwritable
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import stamp


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a batch.

    Attributes:
        source: absolute path with links resolved.
        target: path of the results without suffix, relative to the output folder.
        stamp: the file's size and modification time when it was read.
        written: size of each result in bytes, by path relative to the output folder; empty if the file is unfinished.
    """

    source: str
    target: str
    stamp: list[int] | None = None
    written: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Any) -> Entry | None:
        """Build an entry from the values of a line; None if they are not valid."""
        if not isinstance(values, Mapping):
            return None
        source, target = values.get("source"), values.get("target")
        stamp, written = values.get("stamp"), values.get("written", {})
        if not (_is_path(source) and Path(source).is_absolute() and _is_inside(target)):
            return None
        if not isinstance(written, dict) or not all(
            _is_inside(name) and _is_size(size) for name, size in written.items()
        ):
            return None
        if not all(name.startswith(f"{target}.") for name in written):
            return None
        if written and not (isinstance(stamp, list) and len(stamp) == 2 and all(type(value) is int for value in stamp)):
            return None
        return cls(source, target, stamp if written else None, written)

    def line(self) -> str:
        """The entry as JSON."""
        return json.dumps(asdict(self))


def owners(entries: Iterable[Entry]) -> dict[str, str]:
    """Source file by result name; of two files with the same name, the later one owns it."""
    owned = {key(PurePosixPath(entry.target)): (entry.target, entry.source) for entry in entries}
    return dict(owned.values())


def _is_path(value: Any) -> TypeGuard[str]:
    """Whether a value is text that can name a file."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def _is_inside(value: Any) -> TypeGuard[str]:
    """Whether a value is a relative path that stays inside its folder."""
    if not _is_path(value):
        return False
    path = PurePosixPath(value)
    outside = path.is_absolute() or ".." in path.parts or not path.parts
    return not outside and not (os.name == "nt" and PureWindowsPath(value).anchor)


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0


JOURNAL_NAME: Final = ".earwitness-journal.jsonl"
MOST_BYTES: Final = 2**28
"""Size of a journal of a million files; a larger file is not a journal."""
_FORMAT: Final = 1


def fingerprint(record: Mapping[str, Any]) -> str:
    """16 hexadecimal digits: equal if and only if the run records are."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


class Journal:
    """The journal of one output folder.

    Args:
        out: the folder; it is created if missing.
        record: everything that determines the results: version, model, settings; plain JSON values.
        again: whether to ignore files that are finished.

    Raises:
        EncodingError: the folder cannot be written.
    """

    def __init__(self, out: Path, record: Mapping[str, Any], *, again: bool = False) -> None:
        self.path, self.fingerprint = out / JOURNAL_NAME, fingerprint(record)
        self._record = record
        head, entries = read_journal(self.path)
        same = head.get("fingerprint") == self.fingerprint and not again
        self._names = owners(entries)
        kept = [entry for entry in entries if same and entry.written]
        self._done = {entry.source: entry for entry in kept if self._names.get(entry.target) == entry.source}
        self._rewrite()

    def written(self, source: Path, target: Path, names: Iterable[str] | None = None) -> tuple[Path, ...] | None:
        """The results of a file that an earlier run finished; None if it did not, or they are out of date.

        They are up to date while the file's size and modification time, the path of the results and the size of each
        result are unchanged.

        Args:
            names: names of the required results; by default those in the journal.
        """
        entry = self._done.get(os.path.realpath(source))
        if entry is None or entry.target != self._relative(target) or entry.stamp != stamp(source):
            return None
        paths = {self.path.parent / name: size for name, size in entry.written.items()}
        if names is not None and {path.name for path in paths} != set(names):
            return None
        return tuple(paths) if all(_size(path) == size for path, size in paths.items()) else None

    def begin(self, files: Iterable[tuple[Path, Path]]) -> None:
        """Record that results of these files (source, target) are about to be written.

        Raises:
            EncodingError: the journal cannot be written.
        """
        begun = [Entry(os.path.realpath(source), self._relative(target)) for source, target in files]
        self._names = owners([*(Entry(source, target) for target, source in self._names.items()), *begun])
        self._rewrite()

    def add(self, source: Path, target: Path, written: Sequence[Path], read: list[int] | None) -> None:
        """Record that a file is finished and its results are written.

        Args:
            read: the file's `stamp` before it was read, so that a file that has changed since is processed again.

        Raises:
            EncodingError: the journal cannot be written.
        """
        sizes = {self._relative(path): _size(path) or 0 for path in written}
        entry = Entry(os.path.realpath(source), self._relative(target), read, sizes)
        self._done[entry.source] = entry
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{entry.line()}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self.path, error) from None

    def _rewrite(self) -> None:
        """Rewrite the file without invalid and duplicate lines."""
        head = {"journal": _FORMAT, "fingerprint": self.fingerprint, "run": self._record, "names": self._names}
        lines = [json.dumps(head), *(entry.line() for entry in self._done.values())]
        with atomic_file(self.path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.path.parent).as_posix()


def read_journal(path: Path) -> tuple[dict[str, Any], list[Entry]]:
    """The first line and the valid entries of a journal."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return {}, []
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}, []
    values = [_parsed(line) for line in lines]
    head = values[0] if values and isinstance(values[0], dict) else {}
    names = head.get("names")
    begun = (
        [{"target": target, "source": source} for target, source in names.items()] if isinstance(names, dict) else []
    )
    return head, [entry for one in (*begun, *values) if (entry := Entry.of(one)) is not None]


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def key(name: PurePath) -> str:
    """A key equal for names that some file systems treat as the same: they ignore case or Unicode normalization."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.as_posix()).casefold())
