"""Lists of recordings as CSV files: manifests of banks, and lists of files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from earwitness.core.classes.class_names import slug_of
from earwitness.core.errors import BankError
from earwitness.scenes.bank.bank_sound import BankSound
from earwitness.scenes.bank.label_map import LabelMap

_LARGEST_LIST: Final = 256 * 2**20
"""Maximum size of a list of recordings in bytes; those of FSD50K have 3 million."""
_COLUMNS: Final = ("split", "group", "licence", "attribution", "variant_of")


def list_rows(path: Path, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a list with their line numbers.

    Raises:
        BankError: the list cannot be read or lacks a column.
    """
    try:
        if path.stat().st_size > _LARGEST_LIST:
            raise BankError(f"'{path}' is too large for a list of recordings; give another file")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = needed - set(reader.fieldnames or ())
            if missing:
                raise BankError(f"'{path}' lacks the column(s) {', '.join(sorted(missing))}")
            for row in reader:
                cells = {key: (cell or "").strip() for key, cell in row.items() if isinstance(key, str)}
                yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BankError(f"'{path}' cannot be read: {error}") from error


def listed_classes(path: Path, needed: set[str]) -> list[str]:
    """The different classes of a list, sorted; spellings of one class are one."""
    names = {slug_of(row["class"]): row["class"] for _, row in list_rows(path, needed) if row["class"]}
    return [names[slug] for slug in sorted(names)]


def listed_sound(place: tuple[Path, int], row: dict[str, str], name: str, labels: LabelMap) -> BankSound:
    """The recording in a row at a place: file and line.

    Raises:
        BankError: its class is unknown, or its path leads out of the folder.
    """
    path, line = place
    kind = labels.kind_of(row["class"])
    if kind is None:
        known = ", ".join(sorted(labels.kinds))
        raise BankError(
            f"'{path}', line {line}: unknown class '{row['class']}'; known are {known} (list your own in classes.yaml)"
        )
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise BankError(f"'{path}', line {line}: file '{name}' must be a path inside the bank's folder")
    return BankSound(name, kind, *(row.get(key, "") for key in _COLUMNS))
