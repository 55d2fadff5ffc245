"""What the clips of a set were made with, so that a set that is gone on with stays one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from earwitness.core.errors import SynthesisError
from earwitness.core.files.atomic import atomic_file

NOTE: Final = ".earwitness-set.json"


def keep_to_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Note the options of a new set; refuse others for one that is there.

    Args:
        folder: of the set.
        options: plain values, by the names that the command line has for them.

    Raises:
        SynthesisError: the set was made with other options; says which.
        EncodingError: the note cannot be written.
    """
    path, before = folder / NOTE, {}
    with suppress(OSError, ValueError):
        before = json.loads(path.read_text(encoding="utf-8"))
    for name, value in options.items():
        if name in before and before[name] != value:
            raise SynthesisError(
                f"'{folder}' holds clips made with --{name} {before[name]}, not {value}: name another folder with --out"
            )
    if dict(options) != before:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(before | dict(options), indent=1) + "\n", encoding="utf-8")
