"""Names of results: a file's own stem where that is free, else with its folders, its extension, a number of its own."""

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
"""What a name is made of, each with what comes before it."""
_DIGITS: Final = 8


class Taken(Protocol):
    """What is in the output folder already."""

    def owner(self, name: Path, asking: Path) -> Path | None:
        """Another file than the one that asks, whose results have this name; None where there is none."""

    def name_of(self, source: Path) -> Path | None:
        """The name that the results of a file have; None where it has none."""


def result_names(files: Sequence[Path], taken: Taken, suffixes: Iterable[str]) -> dict[Path, Path]:
    """Give each file a name for its results that no other file has, in this run or an earlier one.

    Args:
        files: absolute paths.
        taken: the names of earlier runs; a file keeps the one that it has.
        suffixes: of the results; a name leaves room for them.

    Returns:
        Names without suffix, from the output folder, by file.
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
    """Equal for names that are one and the same on some file systems: not all tell case or composed signs apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.as_posix()).casefold())


def fitted(name: str, longest: int, whole: str) -> str:
    """A file name of at most `longest` bytes: cut where it must be, and then with digits that depend on `whole`."""
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
    """The deepest folder that holds all files; None where there is none, on several drives."""
    try:
        return Path(commonpath({file.parent for file in files}))
    except ValueError:
        return None


def _below(file: Path, top: Path | None) -> Path:
    """Path of a file from a folder that holds it; without one with the drive as a folder."""
    return Path(file.drive.strip(":\\/"), *file.parts[1:]) if top is None else file.relative_to(top)
