"""TensorFlow Lite networks, run by ai-edge-litert (extra `vision`), and the square crops that they take as input.

They need no torch, and their log messages are disabled.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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


RGBArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture.

    Attributes:
        x, y: its centre, pixels.
        side: pixels.
        turn: clockwise rotation in the picture, radians; the crop is rotated back.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    def to_picture(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert points (..., 2) of the crop, 0..1, to pixels of the picture."""
        across, down = (points[..., 0] - 0.5) * self.side, (points[..., 1] - 0.5) * self.side
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return np.stack([self.x + across * cos - down * sin, self.y + across * sin + down * cos], axis=-1).astype(
            np.float32
        )


def crop(picture: Image.Image, square: Square, size: int) -> NDArray[np.float32]:
    """The square as (size, size, 3) float32 in 0..255; black beyond the picture."""
    step = square.side / size
    cos, sin = np.cos(square.turn) * step, np.sin(square.turn) * step
    half = size / 2
    matrix = (cos, -sin, square.x - half * cos + half * sin, sin, cos, square.y - half * sin - half * cos)
    if square.turn == 0 and step > 1:
        # Downscaling must average, or thin structures are lost.
        left, top = square.x - square.side / 2, square.y - square.side / 2
        box = (round(left), round(top), round(left + square.side), round(top + square.side))
        cut = picture.crop(box).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    else:
        cut = picture.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(cut, dtype=np.float32)


def tiles(width: int, height: int, side: int, overlap: float = 0.5) -> list[Square]:
    """Squares of `side` pixels that cover a picture, neighbours sharing at least `overlap` of their side."""
    return [
        Square(x, y, side)
        for y in _centres(height, side, overlap)
        for x in _centres(width, side, overlap)
    ]  # fmt: skip


def _centres(length: int, side: int, overlap: float) -> list[float]:
    if length <= side:
        return [length / 2]
    count = 1 + int(np.ceil((length - side) / (side * (1 - overlap)) - 1e-9))
    return [float(place) for place in np.linspace(side / 2, length - side / 2, count)]
