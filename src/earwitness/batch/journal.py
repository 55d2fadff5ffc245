"""What a batch has done, kept in its output folder, so that a run that was stopped goes on where it was.

The first line names the run: version, model and settings, and the fingerprint of these. Each further line is a file
that is done, written after all of its results are in place. A run with another fingerprint begins a new journal; a last
line that was cut off by a crash counts for nothing, and its file is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from earwitness.core.errors import EncodingError
from earwitness.core.files.digests import stamp

JOURNAL_NAME: Final = ".earwitness-journal.jsonl"
_FORMAT: Final = 1


def fingerprint(record: Mapping[str, Any]) -> str:
    """16 hexadecimal digits: equal if and only if the run records are."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


class Journal:
    """The journal of one output folder.

    Args:
        out: the folder; it is made where it is missing.
        record: what decides the results: version, model, settings; plain JSON values.
        again: forget what was done before.

    Raises:
        EncodingError: the folder cannot be written.
    """

    def __init__(self, out: Path, record: Mapping[str, Any], *, again: bool = False) -> None:
        self.path, self.fingerprint = out / JOURNAL_NAME, fingerprint(record)
        self._record = record
        self._done: dict[str, dict[str, Any]] = {}
        try:
            out.mkdir(parents=True, exist_ok=True)
            kept = [] if again else self._entries()
            self._done = {entry["source"]: entry for entry in kept}
            self._rewrite()
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def written(self, source: Path, target: Path) -> tuple[Path, ...] | None:
        """The results of a file that an earlier run has done; None where there are none, or they no longer hold.

        They hold while the file has the same size and time of change, its results have the same place, and each of
        these is there in its full size.
        """
        entry = self._done.get(str(source.resolve()))
        if entry is None or entry["target"] != self._relative(target) or entry["stamp"] != stamp(source):
            return None
        paths = {self.path.parent / name: size for name, size in entry["written"].items()}
        return tuple(paths) if all(_size(path) == size for path, size in paths.items()) else None

    def add(self, source: Path, target: Path, written: Sequence[Path], read: list[int] | None) -> None:
        """Note that a file is done and its results are in place.

        Args:
            read: the file's `stamp` before it was read, so that a file that changed meanwhile is done again.

        Raises:
            EncodingError: the journal cannot be written.
        """
        entry: dict[str, Any] = {
            "source": str(source.resolve()),
            "target": self._relative(target),
            "stamp": read,
            "written": {self._relative(path): _size(path) for path in written},
        }
        self._done[entry["source"]] = entry
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.path.parent).as_posix()

    def _entries(self) -> list[dict[str, Any]]:
        """Entries of an earlier run of the same fingerprint."""
        lines = [_parsed(line) for line in _lines(self.path)]
        if not lines or lines[0] is None or lines[0].get("fingerprint") != self.fingerprint:
            return []
        return [entry for entry in lines[1:] if entry is not None and _is_entry(entry)]

    def _rewrite(self) -> None:
        """Begin the file anew with what holds: drops cut and doubled lines."""
        head = {"journal": _FORMAT, "fingerprint": self.fingerprint, "run": self._record}
        partial = self.path.with_name(self.path.name + ".tmp")
        text = "".join(json.dumps(line) + "\n" for line in [head, *self._done.values()])
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.path)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_entry(entry: dict[str, Any]) -> bool:
    texts = isinstance(entry.get("source"), str) and isinstance(entry.get("target"), str)
    return texts and isinstance(entry.get("stamp"), list) and isinstance(entry.get("written"), dict)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _unwritable(path: Path, error: OSError) -> EncodingError:
    return EncodingError(f"{path}: cannot be written ({error.strerror or error}); check folder and space")
