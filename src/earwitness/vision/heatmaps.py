"""Keypoints out of heat maps: where in a person's box ViTPose looks, and where the peak of a map lies.

Positions follow J. Huang et al.: The devil is in the details: delving into unbiased data processing for human pose
estimation (CVPR 2020): the first and last pixel of input and map are the edges of the box. A peak is refined by a
Newton step on the logarithm of the smoothed map, as in F. Zhang et al.: Distribution-aware coordinate representation
for human pose estimation (CVPR 2020), equations 5 to 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.boxes import unknown_keypoints

FloatArray = NDArray[np.float32]

NUM_COCO: Final = 17
_PADDING: Final = 1.25
_BLUR: Final = 0.8
_LEAST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class PoseFrame:
    """The part of a picture that is seen of a person.

    Attributes:
        left, top, right, bottom: pixels of the picture; may reach beyond it.
        rows, columns: of the network's input.
    """

    left: float
    top: float
    right: float
    bottom: float
    rows: int
    columns: int

    @classmethod
    def round(cls, box: FloatArray, size: tuple[int, int]) -> Self:
        """Round a person's box (4,), a quarter larger, in the shape of an input of so many rows and columns."""
        middle, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        aspect = size[1] / size[0]
        height = _PADDING * max(float(sides[1]), float(sides[0]) / aspect, 1.0)
        x, y = float(middle[0]), float(middle[1])
        return cls(x - height * aspect / 2, y - height / 2, x + height * aspect / 2, y + height / 2, *size)

    def crop(self, picture: Image.Image) -> NDArray[np.uint8]:
        """What is seen, (rows, columns, 3); black beyond the picture."""
        across, down = (self.right - self.left) / (self.columns - 1), (self.bottom - self.top) / (self.rows - 1)
        # Pillow counts from the corners of pixels, these positions from their middles.
        matrix = (across, 0.0, self.left + 0.5 - across / 2, 0.0, down, self.top + 0.5 - down / 2)
        size = self.columns, self.rows
        return np.asarray(picture.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))

    def to_picture(self, places: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Places (..., 2), column and row of a map of `shape` (rows, columns), in pixels of the picture."""
        across, down = (self.right - self.left) / (shape[1] - 1), (self.bottom - self.top) / (shape[0] - 1)
        return np.asarray(places * (across, down) + (self.left, self.top))


def read_heatmaps(maps: FloatArray, frame: PoseFrame) -> FloatArray:
    """Keypoints (18, 3) as in `Boxes`, without the mouth, of one person from heat maps (17, rows, columns)."""
    points = unknown_keypoints(1)[0]
    for number, heat in enumerate(maps):
        peak = np.unravel_index(int(heat.argmax()), heat.shape)
        place = np.array(peak[::-1], dtype=np.float64) + _step(heat, int(peak[0]), int(peak[1]))
        points[number] = (*frame.to_picture(place, heat.shape), np.clip(heat[peak], 0, 1))
    return np.asarray(points)


def _step(heat: FloatArray, row: int, column: int) -> NDArray[np.float64]:
    """From a peak to that of the parabola through it and its neighbours, (column, row); none at the map's edge."""
    from scipy.ndimage import gaussian_filter

    low, high = np.maximum((row - 2, column - 2), 0), (row + 3, column + 3)
    part = heat[low[0] : high[0], low[1] : high[1]].astype(np.float64)
    if not (0 < row < heat.shape[0] - 1 and 0 < column < heat.shape[1] - 1):
        return np.zeros(2)
    log = np.log(np.maximum(gaussian_filter(part, _BLUR, radius=1), _LEAST))
    y, x = row - low[0], column - low[1]
    slope = np.array([log[y, x + 1] - log[y, x - 1], log[y + 1, x] - log[y - 1, x]]) / 2
    xx = log[y, x + 1] - 2 * log[y, x] + log[y, x - 1]
    yy = log[y + 1, x] - 2 * log[y, x] + log[y - 1, x]
    xy = (log[y + 1, x + 1] - log[y, x + 1] - log[y + 1, x] + 2 * log[y, x]
          - log[y, x - 1] - log[y - 1, x] + log[y - 1, x - 1]) / 2  # fmt: skip
    curve = np.array([[xx, xy], [xy, yy]])
    if xx >= 0 or np.linalg.det(curve) <= 1e-12:  # no peak after all
        return np.zeros(2)
    return np.asarray(np.clip(-np.linalg.solve(curve, slope), -1, 1))
