"""Recursive search for files by extension; links are followed, and no folder is searched twice."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path


class Walk:
    """Collects files of some extensions, and everything that was skipped.

    Args:
        suffixes: extensions to find, in lower case.

    Attributes:
        files: files found, in the order of the walk.
        dead: broken or circular links.
        loops: links to a parent folder.
        unreadable: folders that cannot be read.
        special: pipes, devices and sockets with one of the extensions.
        others: number of files with other extensions, by extension.
        hidden: number of hidden files with one of the extensions.
    """

    def __init__(self, suffixes: Collection[str]) -> None:
        self._suffixes = suffixes
        self._seen: set[tuple[int, int]] = set()
        self.files: list[Path] = []
        self.dead: list[Path] = []
        self.loops: list[Path] = []
        self.unreadable: list[Path] = []
        self.special: list[Path] = []
        self.others: Counter[str] = Counter()
        self.hidden = 0

    def search_folder(self, top: Path) -> None:
        """Collect the files below a folder, except in hidden folders."""
        for _, entries in self._folders(top):
            for entry in entries:
                if entry.path.name.startswith("."):
                    self.hidden += entry.path.suffix.lower() in self._suffixes
                elif not entry.is_folder:
                    self._take(entry)

    def search_glob(self, pattern: Path) -> None:
        """Collect the files that match a glob pattern, and those below matching folders."""
        top = Path(pattern.anchor) if pattern.anchor else Path()
        parts = pattern.parts[1:] if pattern.anchor else pattern.parts
        for path in dict.fromkeys(self._matches(top, parts)):
            entry = _Entry.of(path)
            if entry.is_folder:
                self.search_folder(path)
            else:
                self._take(entry)

    def _matches(self, top: Path, parts: tuple[str, ...]) -> Iterator[Path]:
        """Paths below `top` whose names match `parts`; "**" matches any number of folders."""
        if not parts:
            yield top
        elif parts[0] == "**":
            rest = parts[1:]
            while rest and rest[0] == "**":
                rest = rest[1:]
            for folder in (one for one, _ in Walk(self._suffixes)._folders(top)) if rest else [top]:
                yield from self._matches(folder, rest)
        elif not glob.has_magic(parts[0]):
            if os.path.lexists(top / parts[0]):
                yield from self._matches(top / parts[0], parts[1:])
        elif _Entry.of(top).is_folder:
            for entry in self._entries(top):
                name = entry.path.name
                if fnmatch(name, parts[0]) and (parts[0].startswith(".") or not name.startswith(".")):
                    yield from self._matches(entry.path, parts[1:])

    def _folders(self, top: Path) -> Iterator[tuple[Path, list[_Entry]]]:
        """Each folder at or below `top` once, with its entries; real folders come before linked ones."""
        waiting, links = [top], list[Path]()
        while waiting or links:
            folder = waiting.pop() if waiting else self._followed(links.pop(0))
            if folder is None or not self._is_new(folder):
                continue
            entries = self._entries(folder)
            yield folder, entries
            below = [entry.path for entry in entries if entry.is_folder and not entry.path.name.startswith(".")]
            links += [path for path in below if path.is_symlink()]
            waiting += [path for path in reversed(below) if not path.is_symlink()]

    def _followed(self, link: Path) -> Path | None:
        """The link, or None if it leads to one of its own parent folders."""
        if Path(os.path.realpath(link.parent)).is_relative_to(os.path.realpath(link)):
            if not self._was_at(link):
                self.loops.append(link)
            return None
        return link

    def _was_at(self, folder: Path) -> bool:
        with suppress(OSError):
            known = folder.stat()
            return (known.st_dev, known.st_ino) in self._seen
        return False

    def _is_new(self, folder: Path) -> bool:
        """Whether this walk has not visited the folder yet, under any name."""
        try:
            known = folder.stat()
        except OSError:
            self.unreadable.append(folder)
            return False
        new = (known.st_dev, known.st_ino) not in self._seen
        self._seen.add((known.st_dev, known.st_ino))
        return new

    def _entries(self, folder: Path) -> list[_Entry]:
        try:
            return [_Entry.of(folder / name) for name in sorted(os.listdir(folder))]  # noqa: PTH208 - names are enough
        except OSError:
            if folder not in self.unreadable:
                self.unreadable.append(folder)
            return []

    def _take(self, entry: _Entry) -> None:
        suffix = entry.path.suffix.lower()
        if entry.mode is None:
            self.dead.append(entry.path)
        elif suffix not in self._suffixes:
            self.others[suffix or "none"] += 1
        elif not stat.S_ISREG(entry.mode):
            self.special.append(entry.path)
        else:
            self.files.append(entry.path)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A path and its mode; None for a broken or circular link."""

    path: Path
    mode: int | None

    @classmethod
    def of(cls, path: Path) -> _Entry:
        try:
            return cls(path, path.stat().st_mode)
        except OSError:
            return cls(path, None)

    @property
    def is_folder(self) -> bool:
        return self.mode is not None and stat.S_ISDIR(self.mode)
