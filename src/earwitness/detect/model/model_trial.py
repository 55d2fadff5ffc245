"""Trial of untrusted models: one run in a separate process, with limits on time and memory, before first use.

A file of a kilobyte can allocate terabytes or compute for hours, and ONNX Runtime has no limits of its own. A model
that passes the trial, one window of silence, is recorded by its SHA-256, so that each model is tried once.

`python -m earwitness.detect.model.model_trial` is the process; it reads the model from standard input.
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
from earwitness.detect.model.card import ModelCard
from earwitness.encoders.onnx_session import silent_onnxruntime

SECONDS: Final = 120
"""Limit for loading a model and running it on one window: about a hundred times what the shipped model needs."""
MEMORY_BYTES: Final = 6 * 2**30
"""Address space of the process; `MODEL_SHARE` times the size of the model is added."""
MODEL_SHARE: Final = 6
_REFUSED: Final = 3
"""Exit code for a model that is refused with a message."""


def try_model(contents: bytes, card: ModelCard, where: str) -> None:
    """Load and run a model once in a separate process, unless it has passed before.

    Args:
        contents: contents of the .onnx file.
        card: gives the shape of a window.
        where: name of the file, for messages.

    Raises:
        ModelError: it cannot be loaded or run within the limits.
    """
    features = card.features
    shape = (len(features.channels), card.window_frames * features.frames_per_label, features.mels)
    limits = json.dumps([silent_onnxruntime().__version__, shape, SECONDS, MEMORY_BYTES])
    key = sha256(sha256(contents).digest() + limits.encode()).hexdigest()
    passed = cache_folder("models-tried") / key
    if passed.is_file():
        return
    command = [sys.executable, "-m", "earwitness.detect.model.model_trial", where, *map(str, shape)]
    try:
        done = subprocess.run(command, input=contents, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ModelError(f"{where}: did not finish one window within {SECONDS} s; use a smaller model") from None
    if done.returncode == _REFUSED:
        raise ModelError(done.stderr.decode("utf-8", "replace").strip())
    if done.returncode:
        raise ModelError(
            f"{where}: crashed ONNX Runtime, or needs more than {MEMORY_BYTES / 2**30:.0f} GiB of memory for one "
            "window; use a smaller model"
        )
    with suppress(OSError):  # without a cache, the model is tried again next time
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def _limit(size: int) -> None:
    """Limit the address space and the processor time of this process, where the system supports it."""
    try:
        import resource
    except ModuleNotFoundError:  # not on Windows
        return
    most = MEMORY_BYTES + MODEL_SHARE * size
    for kind, limit in ((resource.RLIMIT_AS, most), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a lower limit already applies
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
        print(f"{where}: needs too much memory ({first_line(error)}); use a smaller model", file=sys.stderr)
        sys.exit(_REFUSED)


if __name__ == "__main__":
    _main(*sys.argv[1:])
