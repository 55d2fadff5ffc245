"""One line of a batch's journal: a file and its results. What a line says is believed only as far as it makes sense."""

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
        source: absolute path, links resolved.
        target: path of its results without suffix, from the output folder.
        stamp: the file's size and time of change when it was read.
        written: size of each result in bytes, by path from the output folder; empty: it was only begun.
    """

    source: str
    target: str
    stamp: list[int] | None = None
    written: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Any) -> Entry | None:
        """The entry of a line's values; None for any that no run wrote."""
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
    """The file that results belong to, by their name; of two that had one name after each other, the later has it."""
    owned = {key(PurePosixPath(entry.target)): (entry.target, entry.source) for entry in entries}
    return dict(owned.values())


def _is_path(value: Any) -> TypeGuard[str]:
    """Whether a value is text that a file's name can be."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def _is_inside(value: Any) -> TypeGuard[str]:
    """Whether a value is a path that stays within the folder from which it counts."""
    if not _is_path(value):
        return False
    path = PurePosixPath(value)
    outside = path.is_absolute() or ".." in path.parts or not path.parts
    return not outside and not (os.name == "nt" and PureWindowsPath(value).anchor)


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0
