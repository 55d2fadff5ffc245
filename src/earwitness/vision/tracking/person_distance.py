"""Distance of a person by their size in the picture: the pinhole camera, and body proportions.

Relative to the height of a body, eyes are at 0.936, shoulders at 0.818 and hips at 0.530 (Drillis & Contini 1966, after
Winter, Biomechanics and Motor Control of Human Movement), the nose a little below the eyes. The trunk is used, because
it is visible most often and does not change when a person sits. Foreshortening makes it appear shorter, so the largest
estimate of the size is used.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.geometry import Camera
from earwitness.vision.boxes import INDEX, PERSON
from earwitness.vision.tracking.tracks import Track

FloatArray = NDArray[np.float64]

HEIGHT_M: Final = 1.69
"""Height of adults; most are within 10 %."""
_SPANS: Final = ((("nose",), 0.39), (("left_shoulder", "right_shoulder"), 0.288))
"""Distance of these keypoints from the hips, in body heights."""
_HIPS: Final = ("left_hip", "right_hip")
_NEAREST_M: Final = 0.2
_FARTHEST_M: Final = 20.0
SIZED: Final = tuple(INDEX[name] for names in (*(names for names, _ in _SPANS), _HIPS) for name in names)
"""Keypoints needed for the size."""


def depth(one: Track, camera: Camera) -> FloatArray:
    """Depth (t,) of a person along the camera axis, metres; NaN if unknown."""
    if one.label != PERSON:
        return np.full(len(one.xyxy), np.nan)
    hips = _middle(one, _HIPS)
    sizes = [np.linalg.norm(hips - _middle(one, names), axis=1) / (share * HEIGHT_M) for names, share in _SPANS]
    metre = np.fmax(*sizes)  # in pixels
    with np.errstate(divide="ignore", invalid="ignore"):
        away = camera.focal_px / metre
    return np.asarray(np.where((away >= _NEAREST_M) & (away <= _FARTHEST_M), away, np.nan))


def slant(depth_m: FloatArray, azimuth: FloatArray, below: FloatArray, camera: Camera) -> FloatArray:
    """Distance from the camera, metres.

    Args:
        depth_m: depth along the camera axis.
        azimuth: azimuth, degrees.
        below: pixels below the middle of the picture.
        camera: the camera.
    """
    return np.asarray(depth_m * np.sqrt(1 + np.tan(np.radians(azimuth)) ** 2 + (below / camera.focal_px) ** 2))


def _middle(one: Track, names: tuple[str, ...]) -> FloatArray:
    return np.asarray(one.keypoints[:, [INDEX[name] for name in names], :2].mean(axis=1), dtype=np.float64)
