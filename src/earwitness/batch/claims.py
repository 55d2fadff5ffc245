"""Whose results lie in an output folder, by its journal, of whatever run, and by the results themselves."""

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
    """Names of results and the files that they belong to.

    Args:
        out: the output folder.
        owners: the file that results belong to, by their name, as the journal has it.
        suffixes: of all results that there may be: a name of which nothing is left is free.
        damaged: whether there is a journal, but not one that names all results: then any may be earwitness's own.
    """

    def __init__(self, out: Path, owners: Mapping[str, str], suffixes: Iterable[str], *, damaged: bool) -> None:
        self._out, self._suffixes, self._damaged = out, tuple(suffixes), damaged
        self._by_file = {source: Path(target) for target, source in owners.items()}
        self._by_name = {key(Path(target)): (Path(target), source) for target, source in owners.items()}

    def name_of(self, source: Path) -> Path | None:
        """The name that a file's results have; None where there are none."""
        name = self._by_file.get(os.path.realpath(source))
        return name if name is not None and self._results(name, self._suffixes) else None

    def owner(self, name: Path, asking: Path) -> Path | None:
        """Another file than the one that asks, whose results have this name; None where there is none."""
        if key(name) in self._by_name:
            known, source = self._by_name[key(name)]
            another = source != os.path.realpath(asking) and self._results(known, self._suffixes)
            return Path(source) if another else None
        heard = _heard_file(self._out / name.with_name(f"{name.name}.json"))
        return None if heard is None or _is_same(asking, *heard) else Path(os.path.abspath(heard[0]))  # noqa: PTH100

    def strangers(self, name: Path, suffixes: Iterable[str]) -> list[Path]:
        """Files of this name of which nothing says that earwitness wrote them."""
        if (
            self._damaged
            or key(name) in self._by_name
            or _heard_file(self._out / name.with_name(f"{name.name}.json")) is not None
        ):
            return []
        return self._results(name, suffixes)

    def _results(self, name: Path, suffixes: Iterable[str]) -> list[Path]:
        paths = (self._out / name.with_name(name.name + suffix) for suffix in suffixes)
        return [path for path in paths if os.path.lexists(path)]


def _heard_file(result: Path) -> tuple[str, str] | None:
    """The file that a JSON result says it was made of, and its SHA-256 ("" where that is not said); else None."""
    with suppress(OSError, ValueError):
        if result.is_file():
            with result.open("rb") as file:
                head = file.read(_HEAD_BYTES).decode(errors="ignore")
            if found := _SOURCE.search(head):
                digest = _SHA256.search(head, found.end())
                return json.loads(found[1]), digest[1] if digest else ""
    return None


def _is_same(source: Path, file: str, sha256: str) -> bool:
    """Whether `file`, as a result names it, is `source`: where it lies elsewhere now, by its contents."""
    with suppress(OSError, ValueError):
        if os.path.lexists(file):
            return os.path.realpath(file) == os.path.realpath(source)
        if sha256 and Path(file).name == file_text(Path(source.name)):
            with source.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest() == sha256
    return False
