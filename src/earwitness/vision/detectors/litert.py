"""TensorFlow Lite networks, run by ai-edge-litert (extra `vision`), without torch and without its log messages."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MissingExtraError, ModelError


@contextmanager
def suppress_stderr(start: str) -> Iterator[None]:
    """Suppress lines on standard error that begin with `start`; other lines are written when the block ends.

    For native code that writes to the file descriptor and cannot be configured. Without standard error, nothing is
    done.
    """
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as file:
        _flush()
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            for line in file:
                if not line.startswith(start.encode()):
                    os.write(2, line)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


FloatArray = NDArray[np.float32]

_LOG_PREFIX: Final = "INFO: Created TensorFlow Lite"


class LiteModel:
    """A .tflite network with one picture input and several outputs.

    Args:
        path: the file.
        outputs: numbers of values of the outputs to return, in order; the order in the file varies.
        threads: threads per call.

    Attributes:
        size: side of the square input, pixels.

    Raises:
        MissingExtraError: ai-edge-litert is not installed.
        ModelError: the file is missing, damaged, or of another network.
    """

    def __init__(self, path: str | Path, outputs: tuple[int, ...], threads: int = 1) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise ModelError(f"{self.path}: no such model file; run: earwitness models pull pose")
        interpreter = _interpreter()
        try:
            # From bytes, because the library does not accept all characters in paths.
            with suppress_stderr(_LOG_PREFIX):
                self._interpreter = interpreter(model_content=self.path.read_bytes(), num_threads=threads)
                self._interpreter.allocate_tensors()
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"{self.path}: not a usable TensorFlow Lite model ({str(error).strip()[:160]})") from error
        inputs = self._interpreter.get_input_details()
        shape = tuple(inputs[0]["shape"].tolist())
        if len(inputs) != 1 or len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3:
            raise ModelError(f"{self.path}: its input is {shape}; expected one square picture (1, n, n, 3)")
        self.size = int(shape[1])
        self._input = int(inputs[0]["index"])
        found = {int(np.prod(d["shape"])): int(d["index"]) for d in self._interpreter.get_output_details()}
        if not set(outputs) <= set(found):
            raise ModelError(f"{self.path}: another network, with outputs of {sorted(found)} values, not {outputs}")
        self._outputs = [found[count] for count in outputs]

    def run(self, picture: FloatArray) -> list[FloatArray]:
        """Run on one picture (n, n, 3); returns the selected outputs, flattened."""
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(picture[None], dtype=np.float32))
        self._interpreter.invoke()
        return [np.asarray(self._interpreter.get_tensor(index), dtype=np.float32).ravel() for index in self._outputs]


def _interpreter() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingExtraError("detecting people in pictures", "vision") from error
    return Interpreter
