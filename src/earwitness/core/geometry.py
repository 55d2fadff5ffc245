"""Directions: sign conventions, wrapping, folding, view rotation and the camera model.

Conventions (DCASE2025 Task 3): azimuth in degrees, 0 on the camera axis, positive to the LEFT (counter-clockwise seen
from above); elevation in degrees, positive upwards. First-order ambisonics (FOA) has channels W, Y, Z, X.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating]

DEFAULT_FOV_DEG: Final = 100.0
"""Horizontal field of view of the DCASE2025 clips."""
FOOTPRINT_DEG: Final = 1.0
"""Half-width of the spot of a label in a one-degree panorama after bilinear interpolation."""
FOOTPRINT_SHIFT_DEG: Final = 0.5
"""Offset of the spot's centre to the right of and below the label: the centre of its panorama pixel."""


def wrap(azimuth: ArrayLike) -> FloatArray:
    """Wrap azimuths (degrees, any shape) to [-180, 180)."""
    return (np.asarray(azimuth, dtype=np.float64) + 180.0) % 360.0 - 180.0


def fold(azimuth: ArrayLike) -> FloatArray:
    """Fold azimuths (degrees) front-back into [-90, 90], since stereo cannot distinguish front and back."""
    wrapped = wrap(azimuth)
    return np.where(wrapped > 90.0, 180.0 - wrapped, np.where(wrapped < -90.0, -180.0 - wrapped, wrapped))


def rotate_view(azimuth: ArrayLike, view_deg: ArrayLike) -> FloatArray:
    """Azimuth relative to a camera turned clockwise by `view_deg`: wrap(azimuth + view_deg)."""
    return wrap(np.asarray(azimuth, dtype=np.float64) + np.asarray(view_deg, dtype=np.float64))


def lateral(azimuth: ArrayLike, elevation: ArrayLike = 0.0) -> FloatArray:
    """Projection s = sin(azimuth) cos(elevation) of a direction on the left axis, in [-1, 1]."""
    return np.asarray(np.sin(np.radians(azimuth)) * np.cos(np.radians(elevation)))


def foa_to_stereo(foa_wyzx: FloatArray, view_deg: float = 0.0) -> FloatArray:
    """Two coincident cardioids facing left and right, from an FOA signal in a view turned by `view_deg`.

    Source: SonyResearch stereo SELD generator: X' = X cos - Y sin, Y' = X sin + Y cos, L = W + Y', R = W - Y'.

    Args:
        foa_wyzx: (4, samples), channel order W, Y, Z, X.
        view_deg: rotation of the view; a source at azimuth a moves to a + view_deg.

    Returns:
        (2, samples), left then right, in the input's dtype.
    """
    w, y, _, x = foa_wyzx
    turn = np.radians(view_deg)
    side = x * np.sin(turn) + y * np.cos(turn)
    return np.stack([w + side, w - side]).astype(foa_wyzx.dtype, copy=False)


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera with square pixels, pointing at azimuth 0.

    Attributes:
        width, height: picture size in pixels.
        horizontal_fov_deg: horizontal field of view.
    """

    width: int = 640
    height: int = 360
    horizontal_fov_deg: float = DEFAULT_FOV_DEG

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width / 2 / float(np.tan(np.radians(self.horizontal_fov_deg / 2)))

    def column(self, azimuth: ArrayLike) -> FloatArray:
        """Column (pixels, 0 at the left edge) of directions on the horizon; NaN behind the camera."""
        azimuth = wrap(azimuth)
        column = self.width / 2 - self.focal_px * np.tan(np.radians(azimuth))
        return np.where(np.abs(azimuth) < 90.0, column, np.nan)

    def azimuth(self, column: ArrayLike) -> FloatArray:
        """Azimuth (degrees) of a column on the horizon: the inverse of `column`."""
        return np.degrees(np.arctan((self.width / 2 - np.asarray(column, dtype=np.float64)) / self.focal_px))

    def project(self, azimuth: ArrayLike, elevation: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Offsets (pixels right of, pixels below the picture's centre) of directions; NaN behind the camera."""
        azimuth, elevation = np.radians(wrap(azimuth)), np.radians(elevation)
        ahead = np.cos(azimuth)
        ahead = np.where(ahead > 1e-9, ahead, np.nan)
        return -self.focal_px * np.sin(azimuth) / ahead, -self.focal_px * np.tan(elevation) / ahead

    def sees(self, azimuth: ArrayLike, elevation: ArrayLike) -> NDArray[np.bool_]:
        """On-screen rule of the DCASE2025 stereo labels, from the UNFOLDED azimuth and the elevation (degrees).

        The official generator draws the label as a spot in a one-degree panorama and tests whether any part of it
        appears in the perspective view. The spot covers +-1 degree around (azimuth - 0.5, elevation - 0.5). A source
        is therefore on screen if the point of its spot that is nearest to the camera axis is in the picture: up to +51
        degrees on the left but only -50 on the right.
        """
        right, below = self.project(_towards_zero(azimuth), _towards_zero(elevation))
        with np.errstate(invalid="ignore"):
            seen = (np.abs(right) <= self.width / 2) & (np.abs(below) <= self.height / 2)
        return np.asarray(seen & (np.abs(wrap(azimuth)) < 90.0))

    def pixel(self, azimuth: ArrayLike, elevation: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Pixel (x, y) of a label as in the official generator: the centroid of the visible part of its spot.

        Args:
            azimuth, elevation: (n,) degrees, azimuth unfolded.

        Returns:
            x, y: (n,) pixels; NaN where the label is off screen.
        """
        azimuth = np.atleast_1d(np.asarray(azimuth, dtype=np.float64))
        elevation = np.atleast_1d(np.asarray(elevation, dtype=np.float64))
        du, dv, weight = _footprint_grid()
        spot_azimuth = azimuth[:, None] - FOOTPRINT_SHIFT_DEG + du
        spot_elevation = elevation[:, None] - FOOTPRINT_SHIFT_DEG + dv
        right, below = self.project(spot_azimuth, spot_elevation)
        # Picture area per solid angle grows with the angle from the axis, and so does the weight of a grid cell.
        cos_azimuth, cos_elevation = np.cos(np.radians(spot_azimuth)), np.cos(np.radians(spot_elevation))
        with np.errstate(invalid="ignore"):
            inside = (np.abs(right) <= self.width / 2) & (np.abs(below) <= self.height / 2)
        area = np.where(inside, weight / (np.abs(cos_azimuth) ** 3 * cos_elevation**2), 0.0)
        total = area.sum(axis=1)
        # In a corner the visible part can be smaller than a grid cell; then the point nearest to the axis is used.
        corner_right, corner_below = self.project(_towards_zero(azimuth), _towards_zero(elevation))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_right = np.nansum(area * np.nan_to_num(right), axis=1) / total
            mean_below = np.nansum(area * np.nan_to_num(below), axis=1) / total
        x = np.where(total > 0, mean_right, corner_right) + (self.width - 1) / 2
        y = np.where(total > 0, mean_below, corner_below) + (self.height - 1) / 2
        seen = self.sees(azimuth, elevation)
        return (
            np.where(seen, np.clip(x, 0, self.width - 1), np.nan),
            np.where(seen, np.clip(y, 0, self.height - 1), np.nan),
        )


@dataclass(frozen=True, slots=True)
class View:
    """Part of the scene that a picture shows.

    Attributes:
        fov: horizontal field of view of the camera, degrees.
        share: share of the picture's width that the camera fills, above 0; equal black bars on both sides fill the
            remainder.
    """

    fov: float = DEFAULT_FOV_DEG
    share: float = 1.0

    @property
    def whole_fov(self) -> float:
        """Horizontal field of view, degrees, that the whole width would have at the same scale."""
        return float(np.degrees(2 * np.arctan(np.tan(np.radians(self.fov / 2)) / self.share)))


DCASE_CAMERA: Final = Camera()


def _towards_zero(angle: ArrayLike) -> FloatArray:
    """The point of the label's spot (degrees, one axis) nearest to the camera axis."""
    centre = wrap(angle) - FOOTPRINT_SHIFT_DEG
    return np.asarray(np.clip(0.0, centre - FOOTPRINT_DEG, centre + FOOTPRINT_DEG))


@cache
def _footprint_grid(points: int = 17) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Offsets (degrees) and bilinear weights over a label's spot: three arrays of (points**2,)."""
    axis = ((np.arange(points) + 0.5) / points * 2 - 1) * FOOTPRINT_DEG
    du, dv = (grid.ravel() for grid in np.meshgrid(axis, axis))
    return du, dv, np.asarray((1 - np.abs(du)) * (1 - np.abs(dv)))
