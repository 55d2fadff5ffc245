"""Which source file owns which results in an output folder, according to its journal and its JSON results."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from earwitness.batch.result_names import key
from earwitness.results.detection import file_text

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
