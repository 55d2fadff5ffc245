"""Names of files that hold whatever a name can hold, and results of files with such names."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from earwitness.results.detection import Detection
from export_cases import VIDEO, detection, run

STRANGE = [
    "\x1b[31mred\x1b[0m\x07\x7f", "two\nlines\r", "tab\there", "\x9b2J", "\u202egpj.exe", "\u2066a\u2069", "\u2028line",
    "a & <b> \"c\" 'd'", "-rf", "--out", "  spaced  out ", "=1+1", "nul\x01", "\ufeffbom", "\ufffe", "]]>", "${x}",
    "%41",
    os.fsdecode(b"latin\xe9"), "a" * 200, "\u200b", "#?&", "a:b", "\\server", "\u0085next",
]  # fmt: skip


def heard(file: Path) -> Detection:
    media = replace(VIDEO, path=file)
    return replace(detection(run(0, 5, 0, 0), media=media), warnings=["\x1b[1mx\u202ey"])


def bad(text: str) -> set[str]:
    """Signs that no export may hold."""
    return {sign for sign in text if not sign.isprintable() and sign not in "\n\t"}
