"""Finds the media files named by files, folders and glob patterns, and reports what was skipped.

Folders are searched recursively; links are followed, and no folder is searched twice.
"""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from earwitness.core.errors import MediaError

VIDEO_SUFFIXES: Final = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mod",
     ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".qt", ".tod", ".ts", ".vob", ".webm",
     ".wmv"}
)  # fmt: skip
AUDIO_SUFFIXES: Final = frozenset(
    {".aac", ".ac3", ".adts", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".awb", ".bw64", ".bwf",
     ".caf", ".dts", ".eac3", ".ec3", ".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpa", ".oga", ".ogg", ".opus",
     ".rf64", ".snd", ".spx", ".tta", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv"}
)  # fmt: skip
MEDIA_SUFFIXES: Final = VIDEO_SUFFIXES | AUDIO_SUFFIXES
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """Result of `search` for one input.

    Attributes:
        files: media files, each once, sorted within a folder or glob.
        outright: whether the input names the file itself.
        problems: broken links, unreadable folders, pipes and devices, one sentence each.
        left_out: files skipped because of their names, one sentence each.
    """

    files: tuple[Path, ...]
    outright: bool = False
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def find_media(inputs: Sequence[str | Path]) -> list[Path]:
    """The media files of all inputs, each once, in the order of the inputs; see `search`.

    Raises:
        MediaError: as `search`.
    """
    found: dict[Path, None] = {}
    for given in inputs:
        for file in search(given).files:
            found.setdefault(file)
    return list(found)


def search(given: str | Path) -> Found:
    """Find the media files of a file name, a folder or a glob pattern.

    A file that is named directly is accepted with any extension. Folders are searched recursively for known extensions,
    including linked folders, each folder once; hidden files are skipped. A name that does not exist is interpreted as a
    glob pattern ("**" included).

    Raises:
        MediaError: the input does not exist, or the folder or pattern contains no media files.
    """
    if not str(given):
        raise MediaError("the input name is empty; name a file, or '.' for the current folder")
    path = _home_expanded(Path(given))
    mode = _mode(path)
    if mode is None:
        if not glob.has_magic(str(path)):
            raise MediaError(f"{path}: {_absence(path)}")
        walk = Walk(MEDIA_SUFFIXES)
        walk.search_glob(path)
        return _found(path, walk, "the pattern matches no video or audio file")
    if stat.S_ISREG(mode):
        return Found((path,), outright=True)
    if not stat.S_ISDIR(mode):
        raise MediaError(f"{path}: is a pipe or a device, which can be read only once; save it as a file first")
    walk = Walk(MEDIA_SUFFIXES)
    walk.search_folder(path)
    return _found(path, walk, "no video or audio file in this folder")


def _home_expanded(path: Path) -> Path:
    """Expand "~" to the home folder, unless a file of that literal name exists."""
    if str(path).startswith("~") and not os.path.lexists(path):
        with suppress(RuntimeError):  # no such user
            return path.expanduser()
    return path


def _mode(path: Path) -> int | None:
    """Mode of a file; None if it does not exist.

    Raises:
        MediaError: the file cannot be accessed.
    """
    if str(path) == "-":
        raise MediaError(f"{path}: is a pipe or a device, which can be read only once; save it as a file first")
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG and glob.has_magic(str(path)):
            return None
        reason = error.strerror if isinstance(error, OSError) else error
        raise MediaError(f"{path}: cannot be accessed ({reason}); check the name and its permissions") from None


def _absence(path: Path) -> str:
    if path.is_symlink():
        return f"is a broken link to {path.readlink()}; fix the link"
    return "no such file or folder; check the name"


def _found(path: Path, walk: Walk, nothing: str) -> Found:
    """Result of a walk.

    Raises:
        MediaError: no file was found; the message says `nothing`.
    """
    problems = (
        *_sentences(path, walk.dead, "broken link", "broken links"),
        *_sentences(path, walk.loops, "link to a parent folder", "links to parent folders"),
        *_sentences(path, walk.unreadable, "folder that cannot be read", "folders that cannot be read"),
        *_sentences(path, walk.special, "pipe or device", "pipes or devices"),
    )
    if not walk.files:
        known = " ".join(sorted(MEDIA_SUFFIXES))
        why = "".join(f"; {problem.removeprefix(f'{path}: ')}" for problem in problems)
        raise MediaError(f"{path}: {nothing}{why}; known extensions: {known}")
    suffixes = " ".join(sorted(walk.others)[:8]) + (" ..." if len(walk.others) > 8 else "")
    number = sum(walk.others.values())
    left_out = []
    if number:
        files = "1 file with another extension" if number == 1 else f"{number} files with other extensions"
        left_out.append(f"{path}: skipped {files} ({suffixes}); name a file directly to include it")
    if walk.hidden:
        files = "1 hidden file" if walk.hidden == 1 else f"{walk.hidden} hidden files"
        left_out.append(f"{path}: skipped {files}; name a file directly to include it")
    return Found(tuple(sorted(walk.files)), False, problems, tuple(left_out))


def _sentences(path: Path, those: Sequence[Path], one: str, many: str) -> list[str]:
    if not those:
        return []
    named = ", ".join(map(str, sorted(those)[:_MOST_NAMED])) + (", ..." if len(those) > _MOST_NAMED else "")
    return [f"{path}: skipped {f'1 {one}' if len(those) == 1 else f'{len(those)} {many}'}: {named}"]


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
