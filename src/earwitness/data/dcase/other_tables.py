"""Tables that `detect` and `export` write beside label files: event tables, lists of clips, regions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from earwitness.core.errors import LabelError
from earwitness.core.files.small_files import open_regular

HEADS: Final = (b"file,start_s,", b"clip,start_s,", b"#,Name,Start,")
"""How the first line of such a table begins; that of a label file begins with a frame number or "frame"."""


def is_other_table(path: Path) -> bool:
    """Whether a CSV file is one of these tables and so holds no labels."""
    try:
        with open_regular(path, LabelError) as file:
            return file.read(max(map(len, HEADS))).startswith(HEADS)
    except (LabelError, OSError):  # reported where the labels are read
        return False
