"""TensorFlow Lite networks, run by ai-edge-litert (extra `vision`), and MediaPipe's single-shot detectors.

The detectors (BlazeFace, BlazePose's detector) find faces and people with a few keypoints in square crops. They use
anchors of one fixed size, so an anchor is the centre of its cell. Layers of the same stride share a grid: their anchors
alternate cell by cell. Nothing here needs torch; log messages are disabled.
Source: options of the public MediaPipe graphs (strides, anchors per cell); counts checked against the outputs.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import MissingExtraError, ModelError
from earwitness.vision.boxes import weighted_suppress


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


def anchor_centres(size: int, strides: Sequence[int], per_layer: int = 2) -> NDArray[np.float32]:
    """Centres (n, 2), x and y in 0..1, in the order of the network outputs.

    Args:
        size: side of the square input, pixels.
        strides: pixels from cell to cell, one per layer.
        per_layer: anchors per cell and layer.
    """
    centres = []
    for stride, layers in groupby(strides):
        cells = -(-size // stride)
        steps = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, per_layer * len(list(layers)), axis=0))
    return np.concatenate(centres)


_MERGE_IOU: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class KeypointBox:
    """One detection.

    Attributes:
        box: (4,) left, top, right, bottom of the FACE, pixels.
        points: (k, 2) keypoints, pixels.
        score: 0..1.
    """

    box: FloatArray
    points: FloatArray
    score: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Output layout of a detector.

    Attributes:
        strides: strides of its layers.
        per_layer: anchors per cell and layer.
        keypoints: number of keypoints.
    """

    strides: Sequence[int]
    per_layer: int
    keypoints: int


POSE_LAYOUT: Final = Layout((8, 16, 32, 32, 32), 2, 4)
"""Keypoints: middle of the hips, a point on the circle around the body, middle of the shoulders, a point on the circle
around the upper body."""
FACE_LAYOUT: Final = Layout((4,), 1, 6)
"""Full-range face detector. Keypoints: right eye, left eye, tip of the nose, mouth, right ear, left ear."""
NEAR_FACE_LAYOUT: Final = Layout((8, 16, 16, 16), 2, 6)
"""Short-range face detector: up to two metres from a phone, same keypoints."""


class SingleShot:
    """A single-shot detector.

    Args:
        path: the .tflite file.
        layout: layout of its outputs.
        size: side of its input, pixels.
        threshold: smallest score, 0..1.
    """

    def __init__(self, path: str | Path, layout: Layout, size: int, threshold: float) -> None:
        self._centres = anchor_centres(size, layout.strides, layout.per_layer)
        self._coordinates = 4 + 2 * layout.keypoints
        count = len(self._centres)
        self._model = LiteModel(path, (count * self._coordinates, count))
        if self._model.size != size:
            raise ModelError(f"{path}: takes pictures of {self._model.size} pixels, expected {size}")
        self._threshold = threshold

    def detect(self, picture: Image.Image, square: Square) -> list[KeypointBox]:
        """Detections in a square of a picture, best first, in pixels of the picture."""
        raw, logit = self._model.run(crop(picture, square, self._model.size) / 127.5 - 1)
        score = (1 / (1 + np.exp(-np.clip(logit, -50, 50)))).astype(np.float32)
        found = np.flatnonzero(score >= self._threshold)
        if not found.size:
            return []
        values = raw.reshape(-1, self._coordinates)[found] / self._model.size
        centres = self._centres[found]
        middle, half = values[:, :2] + centres, values[:, 2:4] / 2
        corners = np.concatenate([middle - half, middle + half], axis=1)
        points = values[:, 4:] + np.tile(centres, (1, (self._coordinates - 4) // 2))
        merged = weighted_suppress(
            corners, score[found], np.concatenate([corners, points, score[found, None]], axis=1), _MERGE_IOU
        )
        return [self._detection(row, square) for row in merged]

    @staticmethod
    def _detection(row: FloatArray, square: Square) -> KeypointBox:
        places = square.to_picture(row[:-1].reshape(-1, 2))
        return KeypointBox(places[:2].reshape(4), places[2:], float(np.clip(row[-1], 0, 1)))
