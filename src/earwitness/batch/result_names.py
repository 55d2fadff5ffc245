"""Names of results, and which source file owns which results of an output folder.

A name is the file's stem if unused, else with its folders, then its extension, then a hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from os.path import commonpath
from pathlib import Path, PurePath
from typing import Final, Protocol

from earwitness.core.files.lock import LONGEST_NAME
from earwitness.results.detection import file_text

_STEM, _FOLDERS, _SUFFIX, _NUMBER = range(4)
"""Parts of a name; each level adds one to those before it."""
_DIGITS: Final = 8


class Taken(Protocol):
    """Existing results in the output folder."""

    def owner(self, name: Path, asking: Path) -> Path | None:
        """The source file, other than `asking`, that owns this name; None if there is none."""

    def name_of(self, source: Path) -> Path | None:
        """The result name of a source file; None if it has no results."""


def result_names(files: Sequence[Path], taken: Taken, suffixes: Iterable[str]) -> dict[Path, Path]:
    """Give each file a result name that no other file has, in this run or an earlier one.

    Args:
        files: absolute paths.
        taken: the names of earlier runs; a file keeps its name.
        suffixes: suffixes of the results, for which a name leaves room.

    Returns:
        Names without suffix, relative to the output folder, by file.
    """
    room = LONGEST_NAME - max((len(suffix) for suffix in suffixes), default=0)
    known = {file: name for file in files if (name := taken.name_of(file)) is not None}
    kept = {file: name for file, name in known.items() if len(os.fsencode(name.name)) <= room}
    level = dict.fromkeys((file for file in files if file not in kept), _STEM)
    rivals: set[Path] = set()
    for _ in range(_NUMBER + 1):
        top = _top({file for file, reached in level.items() if reached} | rivals)
        names = kept | {file: _fitted(_name(file, reached, top), file, room) for file, reached in level.items()}
        counts = Counter(map(key, names.values()))
        owners = {file: taken.owner(names[file], file) for file in level}
        clashing = [file for file in level if counts[key(names[file])] > 1 or owners[file] is not None]
        if not clashing:
            break
        keys = {key(names[file]) for file in clashing}
        rivals |= {owner for owner in owners.values() if owner is not None}
        rivals |= {file for file, name in kept.items() if key(name) in keys}
        for file in clashing:
            level[file] = min(level[file] + 1, _NUMBER)
    return {file: names[file] for file in files}


def key(name: PurePath) -> str:
    """A key equal for names that some file systems treat as the same: they ignore case or Unicode normalization."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.as_posix()).casefold())


def fitted(name: str, longest: int, whole: str) -> str:
    """A file name of at most `longest` bytes; a longer one is cut and gets a hash of `whole`."""
    if len(os.fsencode(name)) <= longest:
        return name
    mark = f"~{_digest(whole)}"
    return os.fsencode(name)[: longest - len(mark)].decode(errors="ignore") + mark


def _fitted(name: Path, file: Path, room: int) -> Path:
    return name.with_name(fitted(name.name, room, file.name))


def _name(file: Path, level: int, top: Path | None) -> Path:
    if level == _STEM:
        return Path(file.stem)
    last = {_FOLDERS: file.stem, _SUFFIX: file.name, _NUMBER: f"{file.name}-{_digest(str(file))}"}[level]
    return _below(file, top).with_name(last)


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:_DIGITS]


def _top(files: Iterable[Path]) -> Path | None:
    """The deepest common folder of all files; None if they are on several drives."""
    try:
        return Path(commonpath({file.parent for file in files}))
    except ValueError:
        return None


def _below(file: Path, top: Path | None) -> Path:
    """Path of a file relative to its folder `top`; without one, the drive becomes a folder."""
    return Path(file.drive.strip(":\\/"), *file.parts[1:]) if top is None else file.relative_to(top)


_HEAD_BYTES: Final = 65_536
_SOURCE: Final = re.compile(r'"source": \{\s*"file": ("(?:[^"\\]|\\.)*")')
_SHA256: Final = re.compile(r'"sha256": "([0-9a-f]{64})"')


class Claims:
    """Result names and the source files that own them.

    Args:
        out: the output folder.
        owners: source file by result name, from the journal.
        suffixes: suffixes of all possible results; a name without any existing result is free.
        damaged: whether the journal is incomplete, so that any file may be a result of earwitness.
    """

    def __init__(self, out: Path, owners: Mapping[str, str], suffixes: Iterable[str], *, damaged: bool) -> None:
        self._out, self._suffixes, self._damaged = out, tuple(suffixes), damaged
        self._by_file = {source: Path(target) for target, source in owners.items()}
        self._by_name = {key(Path(target)): (Path(target), source) for target, source in owners.items()}

    def name_of(self, source: Path) -> Path | None:
        """The result name of a source file; None if it has no results."""
        name = self._by_file.get(os.path.realpath(source))
        return name if name is not None and self._results(name, self._suffixes) else None

    def owner(self, name: Path, asking: Path) -> Path | None:
        """The source file, other than `asking`, that owns this name; None if there is none."""
        if key(name) in self._by_name:
            known, source = self._by_name[key(name)]
            another = source != os.path.realpath(asking) and self._results(known, self._suffixes)
            return Path(source) if another else None
        source_file = _source_of(self._out / name.with_name(f"{name.name}.json"))
        if source_file is None or _is_same(asking, *source_file):
            return None
        return Path(os.path.abspath(source_file[0]))  # noqa: PTH100

    def foreign_files(self, name: Path, suffixes: Iterable[str]) -> list[Path]:
        """Files of this name that earwitness does not seem to have written."""
        if (
            self._damaged
            or key(name) in self._by_name
            or _source_of(self._out / name.with_name(f"{name.name}.json")) is not None
        ):
            return []
        return self._results(name, suffixes)

    def _results(self, name: Path, suffixes: Iterable[str]) -> list[Path]:
        paths = (self._out / name.with_name(name.name + suffix) for suffix in suffixes)
        return [path for path in paths if os.path.lexists(path)]


def _source_of(result: Path) -> tuple[str, str] | None:
    """The source file named in a JSON result, and its SHA-256 ("" if missing); None without such a result."""
    with suppress(OSError, ValueError):
        if result.is_file():
            with result.open("rb") as file:
                head = file.read(_HEAD_BYTES).decode(errors="ignore")
            if found := _SOURCE.search(head):
                digest = _SHA256.search(head, found.end())
                return json.loads(found[1]), digest[1] if digest else ""
    return None


def _is_same(source: Path, file: str, sha256: str) -> bool:
    """Whether `file`, named in a result, is `source`; a file that has moved is compared by its contents."""
    with suppress(OSError, ValueError):
        if os.path.lexists(file):
            return os.path.realpath(file) == os.path.realpath(source)
        if sha256 and Path(file).name == file_text(Path(source.name)):
            with source.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest() == sha256
    return False
