"""Records the options of a set, so that a resumed run uses the same ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from earwitness.core.errors import SynthesisError
from earwitness.core.files.atomic import atomic_file

NOTE: Final = ".earwitness-set.json"
RECORDINGS: Final = "recordings"
"""Name of the entry with a digest of the recordings that the clips are cut from; not an option."""


def keep_to_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Record the options of a new set, or check them against those of an existing one.

    Args:
        folder: folder of the set.
        options: plain values, by the names of the command-line options.

    Raises:
        SynthesisError: the set was made with other options; the message names one.
        EncodingError: the record cannot be written.
    """
    path, before = folder / NOTE, dict[str, Any]()
    with suppress(OSError, ValueError, TypeError):
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    # The options of a set without clips may change.
    for name, value in options.items() if any(folder.glob("*_dev/*/*")) else ():
        if name in before and before[name] != value:
            what = f"--{name} {before[name]}, not {value}"
            if name == RECORDINGS:
                what = "other recordings than the present ones"
            raise SynthesisError(f"'{folder}' holds clips made with {what}: give another folder with --out")
    if dict(options) != before:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(before | dict(options), indent=1) + "\n", encoding="utf-8")
