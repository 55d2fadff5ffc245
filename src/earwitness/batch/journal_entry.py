"""One line of a journal: a file and its results. Lines are validated, because users may edit the file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeGuard

from earwitness.batch.result_names import key


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
