"""Perspective views of equirectangular panoramas with NumPy.

Convention of the official stereo SELD generator: the centre of the panorama is azimuth 0, left is positive; a view
rotated by `yaw` shows a source with azimuth a at a + yaw. The first and the last column of a picture are exactly at the
edges of the field of view.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MediaError
from earwitness.core.geometry import DCASE_CAMERA, Camera

Image = NDArray[np.uint8]
Seam = Literal["smooth", "official"]

_ODD_BYTES: Final = np.uint32(0x00FF00FF)
_HALF: Final = np.uint32(0x00800080)


def rays(camera: Camera = DCASE_CAMERA) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Position of each column and row of a picture on the plane one metre ahead.

    Returns:
        left: (width,) metres to the left, decreasing; up: (height,) metres up, decreasing.
    """
    edge = np.tan(np.radians(camera.horizontal_fov_deg / 2))
    left = np.linspace(edge, -edge, camera.width)
    top = edge * camera.height / camera.width
    up = np.linspace(top, -top, camera.height)
    return left.astype(np.float32), up.astype(np.float32)


def view(panorama: Image, yaw: float = 0.0, camera: Camera = DCASE_CAMERA, seam: Seam = "smooth") -> Image:
    """The picture of a panorama by a camera rotated by `yaw`, with bilinear interpolation.

    Args:
        panorama: (H, W, 3) uint8, equirectangular, 360 by 180 degrees, of any size.
        yaw: degrees; positive values move the content to the left, as in `geometry.rotate_view`.
        camera: size and field of view of the picture.
        seam: "smooth" joins the left and right edges of the panorama; "official" reproduces the seam of the official
            generator, which skips half a pixel on each side (for pictures identical to the published ones).

    Returns:
        (camera.height, camera.width, 3) uint8.

    Raises:
        MediaError: the panorama is not an (H, W, 3) uint8 picture of at least 2 by 2.
    """
    if panorama.ndim != 3 or panorama.shape[2] != 3 or panorama.dtype != np.uint8 or min(panorama.shape[:2]) < 2:
        raise MediaError(f"a panorama is an (H, W, 3) uint8 picture, not {panorama.dtype} of shape {panorama.shape}")
    height, width = panorama.shape[:2]
    if seam == "official":
        return _view_map(height, width, camera, float(yaw) % 360.0, True).apply(_pack(panorama))
    # Rotations by whole panorama pixels are rolls, so that they share one map, which is slow to compute.
    shift = yaw / 360.0 * width
    whole = round(shift)
    fraction = round(shift - whole, 6)
    packed = np.roll(_pack(panorama), -whole, axis=1) if whole % width else _pack(panorama)
    return _view_map(height, width, camera, fraction * 360.0 / width, False).apply(packed)


@dataclass(frozen=True, slots=True, eq=False)
class _ViewMap:
    """The four panorama pixels of each picture pixel, with their weights.

    Attributes:
        shape: (height, width) of the picture.
        corners: four arrays (pixels,) of flat panorama indices.
        weights: four arrays (pixels,) of weights with the sum 256.
    """

    shape: tuple[int, int]
    corners: tuple[NDArray[np.intp], ...]
    weights: tuple[NDArray[np.uint32], ...]

    def apply(self, packed: NDArray[np.uint32]) -> Image:
        """The picture (height, width, 3) of a packed panorama."""
        # Two channels, 16 bits apart, share one multiplication: products up to 255 * 256 do not overlap.
        outer: Any = np.full(self.corners[0].size, _HALF)
        inner: Any = outer.copy()
        flat = packed.ravel()
        for corner, weight in zip(self.corners, self.weights, strict=True):
            pixel = flat[corner]
            outer += (pixel & _ODD_BYTES) * weight
            pixel >>= np.uint32(8)
            pixel &= _ODD_BYTES
            pixel *= weight
            inner += pixel
        outer >>= np.uint32(8)
        outer &= _ODD_BYTES
        inner &= ~_ODD_BYTES
        outer |= inner
        result = outer.astype("<u4", copy=False).view(np.uint8).reshape(*self.shape, 4)
        return np.ascontiguousarray(result[..., :3])


def _pack(panorama: Image) -> NDArray[np.uint32]:
    """(H, W) uint32 with red in the lowest byte."""
    packed = np.zeros((*panorama.shape[:2], 4), dtype=np.uint8)
    packed[..., :3] = panorama
    return packed.view("<u4")[..., 0].astype(np.uint32, copy=False)


@lru_cache(maxsize=8)
def _view_map(height: int, width: int, camera: Camera, yaw: float, official_seam: bool) -> _ViewMap:
    left, up = rays(camera)
    longitude = np.arctan(-left.astype(np.float64)) + np.radians(yaw)
    longitude = (longitude + np.pi) % (2 * np.pi) - np.pi
    latitude = np.arctan(up[:, None] / np.hypot(1.0, left)[None, :])
    x = (longitude / (2 * np.pi) + 0.5) * width - 0.5
    y = np.clip((0.5 - latitude / np.pi) * height - 0.5, 0, height - 1)
    if official_seam:
        # The official code uses SciPy's "wrap" mode, whose period is one pixel too short, for the outer half pixels.
        x = np.where(x < 0, x + width - 1, np.where(x > width - 1, x - (width - 1), x))
    left_column = np.floor(x).astype(np.intp)
    top_row = np.minimum(np.floor(y), height - 2).astype(np.intp)
    right_share = np.broadcast_to(x - left_column, y.shape)
    lower_share = y - top_row
    columns = (left_column % width, (left_column + 1) % width)
    corners = tuple(((top_row + down) * width + columns[right]).ravel() for down in (0, 1) for right in (0, 1))
    # Rounding cumulative sums keeps the total at exactly 256.
    shares = [
        (lower_share if down else 1 - lower_share) * (right_share if right else 1 - right_share)
        for down in (0, 1)
        for right in (0, 1)
    ]
    steps = np.rint(np.cumsum(np.stack(shares), axis=0) * 256).astype(np.uint32)
    weights = tuple(step.ravel() for step in np.diff(steps, axis=0, prepend=np.uint32(0)))
    return _ViewMap((camera.height, camera.width), corners, weights)
