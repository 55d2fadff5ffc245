"""Names of results: the file's stem if unused, else with its folders, then its extension, then a hash."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from os.path import commonpath
from pathlib import Path, PurePath
from typing import Final, Protocol

from earwitness.core.files.lock import LONGEST_NAME

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
