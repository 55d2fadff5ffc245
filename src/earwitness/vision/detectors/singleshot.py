"""MediaPipe's single-shot detectors (BlazeFace, BlazePose's detector): faces and people with a few keypoints.

These networks use anchors of one fixed size, so an anchor is the centre of its cell. Layers of the same stride share a
grid: their anchors alternate cell by cell.
Source: options of the public MediaPipe graphs (strides, anchors per cell); counts checked against the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import ModelError
from earwitness.vision.boxes import weighted_suppress
from earwitness.vision.detectors.litert import LiteModel, Square, crop


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


FloatArray = NDArray[np.float32]

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
