"""A stranger's model is tried in a process of its own, with limits of time and memory, before it is used.

A file of a kilobyte can ask for terabytes, or compute for hours, and ONNX Runtime does what it is told. What passes the
trial, one window of silence, is remembered by its SHA-256, so that each model is tried once.

`python -m earwitness.detect.model.model_trial` is that process: the model comes through its standard input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from typing import Final

import numpy as np

from earwitness.core.errors import ModelError, first_line
from earwitness.core.files.cache import cache_folder
from earwitness.core.telemetry import silent_onnxruntime
from earwitness.detect.model.card import ModelCard

SECONDS: Final = 120
"""To load a model and run it on one window: some hundred times what a shipped one takes."""
MEMORY_BYTES: Final = 6 * 2**30
"""Address space of the process, which is more than it uses; what the model itself takes comes on top, several times."""
MODEL_SHARE: Final = 6
_REFUSED: Final = 3
"""Exit code for a model that says itself why it cannot be used."""


def try_model(contents: bytes, card: ModelCard, where: str) -> None:
    """Load and run a model once in a process of its own, unless it passed before.

    Args:
        contents: of the .onnx file.
        card: says the shape of a window.
        where: name of the file, for messages.

    Raises:
        ModelError: it cannot be loaded or run within the limits.
    """
    features = card.features
    shape = (len(features.channels), card.window_frames * features.frames_per_label, features.mels)
    told = json.dumps([silent_onnxruntime().__version__, shape, SECONDS, MEMORY_BYTES])
    key = sha256(sha256(contents).digest() + told.encode()).hexdigest()
    passed = cache_folder("models-tried") / key
    if passed.is_file():
        return
    command = [sys.executable, "-m", "earwitness.detect.model.model_trial", where, *map(str, shape)]
    try:
        done = subprocess.run(command, input=contents, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ModelError(f"{where}: is not done with one window after {SECONDS} s; use a smaller model") from None
    if done.returncode == _REFUSED:
        raise ModelError(done.stderr.decode("utf-8", "replace").strip())
    if done.returncode:
        raise ModelError(
            f"{where}: made ONNX Runtime crash, or takes more than {MEMORY_BYTES / 2**30:.0f} GiB of memory for one "
            "window; use a smaller model"
        )
    with suppress(OSError):  # without a cache it is tried again
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def _limit(size: int) -> None:
    """Limit the address space and the processor time of this process, where the system can."""
    try:
        import resource
    except ModuleNotFoundError:  # not on Windows
        return
    most = MEMORY_BYTES + MODEL_SHARE * size
    for kind, limit in ((resource.RLIMIT_AS, most), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a lower limit is in force
            resource.setrlimit(kind, (limit, limit))


def _main(where: str, *shape: str) -> None:
    contents = sys.stdin.buffer.read()
    _limit(len(contents))
    from earwitness.detect.runner.runtime import OnnxRuntime

    try:
        runtime = OnnxRuntime(where, device="cpu", contents=contents)
        runtime.run(np.zeros((1, *map(int, shape)), dtype=np.float32))
    except ModelError as error:
        print(error, file=sys.stderr)
        sys.exit(_REFUSED)
    except MemoryError as error:
        print(f"{where}: takes too much memory ({first_line(error)}); use a smaller model", file=sys.stderr)
        sys.exit(_REFUSED)


if __name__ == "__main__":
    _main(*sys.argv[1:])
