"""BlazePose's landmark network: the keypoints of one person, from a square round the body."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.boxes import INDEX, unknown_keypoints
from earwitness.vision.crops import Square, crop
from earwitness.vision.litert import LiteModel

FloatArray = NDArray[np.float32]

SQUARE_SCALE: Final = 1.25
"""How much larger than the circle round the body the network's square is (arXiv 2006.10204, section 2)."""
_POINTS: Final = 39
_VALUES: Final = 5
_MOUTH: Final = (9, 10)
_BLAZE: Final = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_shoulder": 11,
    "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23,
    "right_hip": 24, "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
}  # fmt: skip
"""Which of the network's points is which."""


class Body(NamedTuple):
    """One person.

    Attributes:
        presence: 0..1, whether there is a person at all.
        keypoints: (18, 3) as in `Boxes`.
    """

    presence: float
    keypoints: FloatArray


class LandmarkModel:
    """The network.

    Args:
        path: the .tflite file.
    """

    def __init__(self, path: str | Path) -> None:
        self._model = LiteModel(path, (_POINTS * _VALUES, 1))

    def find(self, picture: Image.Image, square: Square) -> Body:
        """Keypoints of the person in a square of the picture, which is turned so that the person stands upright."""
        size = self._model.size
        raw, presence = self._model.run(crop(picture, square, size) / np.float32(255))
        values = raw.reshape(_POINTS, _VALUES)
        places = square.to_picture(values[:, :2] / np.float32(size))
        # Visible and within the crop: either logit may say no.
        sure = 1 / (1 + np.exp(-np.clip(values[:, 3:].min(axis=1), -50, 50)))
        keypoints = unknown_keypoints(1)[0]
        for name, point in _BLAZE.items():
            keypoints[INDEX[name]] = (*places[point], sure[point])
        keypoints[INDEX["mouth"]] = (*places[list(_MOUTH)].mean(axis=0), sure[list(_MOUTH)].min())
        return Body(float(np.clip(presence[0], 0, 1)), keypoints)


def body_square(centre: FloatArray, rim: FloatArray) -> Square:
    """The network's square from the middle of the hips and a point on the circle round the body, over the head."""
    across, up = (rim - centre).tolist()
    radius = float(np.hypot(across, up))
    return Square(float(centre[0]), float(centre[1]), 2 * radius * SQUARE_SCALE, float(np.arctan2(across, -up)))
