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
RECORDINGS: Final = "recordings"
"""Name of an option that is no option: a digest of what the clips are cut from."""


def keep_to_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Note the options of a new set; refuse others for one that is there.

    Args:
        folder: of the set.
        options: plain values, by the names that the command line has for them.

    Raises:
        SynthesisError: the set was made with other options; says which.
        EncodingError: the note cannot be written.
    """
    path, before = folder / NOTE, dict[str, Any]()
    with suppress(OSError, ValueError, TypeError):
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    # A run that made nothing binds nobody.
    for name, value in options.items() if any(folder.glob("*_dev/*/*")) else ():
        if name in before and before[name] != value:
            what = (
                f"--{name} {before[name]}, not {value}" if name != RECORDINGS else "other recordings than are there now"
            )
            raise SynthesisError(f"'{folder}' holds clips made with {what}: name another folder with --out")
    if dict(options) != before:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(before | dict(options), indent=1) + "\n", encoding="utf-8")
