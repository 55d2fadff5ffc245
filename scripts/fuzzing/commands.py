"""Command lines with odd files, options and values, run as the `earwitness` command runs them."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fuzzing import odd_documents
from fuzzing.odd_values import ODD_NUMBERS, ODD_TEXTS

_VALUES: Final = (*ODD_TEXTS, *map(str, ODD_NUMBERS), "-1", "1,5", "0x10", "auto", "1+1", "999", "0+1", "9999999+1")
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "evaluate": ("--protocol", "--json", "--frames", "--jackknife", "--nonsense"),
    "export": ("--format", "--out", "--captions", "--fov", "--media"),
    "render": ("--out", "--report", "--plot", "--fov", "--media", "--reference"),
    "dataset check": ("--workers", "--json", "--frames"),
    "models info": (),
    "ensemble": ("--out", "--name", "--weights"),
    "train": ("--set", "--out"),
    "ablate": ("--out", "--set"),
    "synthesize": ("--seed", "--clips", "--engine", "--workers", "--fov", "--bank", "--microphone", "--licences"),
    "doctor": ("--json",),
    "detect": ("--format", "--track", "--fov", "--threshold", "--model", "--max-memory", "--layout", "--vision"),
}  # fmt: skip
_OFTEN: Final = ("evaluate", "export", "render", "dataset check", "models info", "ensemble", "train", "ablate")
_DEAR: Final = ("synthesize", "doctor", "detect")


def command_lines(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A verb with files that are its own, another's or none, and up to three options with any value."""
    verb = chance.choice(_DEAR) if chance.random() < 0.1 else chance.choice(_OFTEN)
    make: Callable[..., Path] = chance.choice((odd_documents.results, odd_documents.labels, odd_documents.recipes))
    odd = make(chance, valid, folder)
    inputs = [str(odd), str(folder), str(folder / "none"), *(str(valid / n) for n in ("events.json", "labels.csv"))]
    if verb == "evaluate":
        args = [verb, "--reference", chance.choice(inputs), "--predictions", chance.choice(inputs)]
    elif verb == "synthesize":  # without a bank nothing is ever made
        args = [verb, "--bank", str(folder / "none"), "--out", str(folder / "set"), "--clips", "1"]
    else:
        args = [*verb.split(), chance.choice((*inputs, *ODD_TEXTS))]
    for _ in range(chance.choice((0, 1, 1, 3))):
        known = _OPTIONS[verb]
        if known:
            args += [chance.choice(known), chance.choice((*_VALUES, str(folder / "made"), *inputs))]
    if chance.random() < 0.05:
        args += [chance.choice(_VALUES)]
    path = folder / "case.args"
    path.write_text(json.dumps([arg for arg in args if "\0" not in arg]))
    return path


def run_command(path: Path) -> None:
    """Run a command line in its own folder; what ends in the line for the unforeseen is raised again."""
    from earwitness.cli import main as module

    unforeseen: list[Exception] = []
    describe: Any = module.describe

    def remember(error: Exception, log: Any) -> str:
        unforeseen.append(error)
        return str(describe(error, log))

    args = [os.fsdecode(arg.encode("utf-8", "surrogatepass")) for arg in json.loads(path.read_text())]
    before, argv = Path.cwd(), sys.argv
    sys.argv, module.describe = ["earwitness", *args], remember
    os.chdir(path.parent)
    try:
        module.main()
    except SystemExit:
        pass
    finally:
        sys.argv, module.describe = argv, describe
        os.chdir(before)
    if unforeseen:
        raise unforeseen[0]
