"""Preparation of encoder input.

Stereo sound is checked, resampled and mixed to the channels that are encoded. Pictures are resized to the fixed input
of a network, and each cell of its output grid is mapped to a direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from earwitness.core.errors import EncoderError
from earwitness.core.geometry import Camera
from earwitness.encoders.protocol import CHANNEL_AZIMUTH, EncoderSettings, SoundChannel, TokenMap
from earwitness.media.sound.conversion import resample


def as_channels(
    stereo: NDArray[np.float32], rate: int, wanted_rate: int, channels: tuple[SoundChannel, ...]
) -> NDArray[np.float32]:
    """Convert stereo sound (2, n) at `rate` to channels (C, m) float32 at `wanted_rate`.

    Raises:
        EncoderError: not stereo, empty, or not finite.
    """
    stereo = np.asarray(stereo, dtype=np.float32)
    if stereo.ndim != 2 or stereo.shape[0] != 2 or stereo.shape[1] == 0:
        raise EncoderError(f"an encoder takes stereo sound of shape (2, n), not {stereo.shape}")
    if not np.isfinite(stereo).all():
        raise EncoderError("the sound contains NaN or infinity; it is damaged")
    left, right = resample(stereo, rate, wanted_rate)
    made = {"L": left, "R": right, "M": (left + right) / 2, "S": (left - right) / 2}
    return np.stack([made[channel] for channel in channels])


def sound_map(tokens: NDArray[np.float32], times: NDArray[np.float64], channels: tuple[SoundChannel, ...]) -> TokenMap:
    """The token map of tokens (T, C, D); each channel is a position."""
    azimuth = np.array([CHANNEL_AZIMUTH[channel] for channel in channels], dtype=np.float32)
    return TokenMap(tokens, times, azimuth, np.where(np.isnan(azimuth), azimuth, np.float32(0)), "sound")


Fit = Literal["stretch", "pad"]
Pool = Literal["mean", "max"]
_GREY = 128


class PictureSettings(EncoderSettings):
    """Settings of all picture encoders. The whole picture is always encoded; it is never cropped.

    Attributes:
        fit: "stretch" resizes the picture to the input size; "pad" keeps its aspect ratio, fills the remaining input
            with grey, and drops the cells that cover only grey.
        rows: number of rows that the grid is pooled to; 1 leaves one position per column, None keeps all rows.
        pool: how cells are pooled.
    """

    fit: Fit = "stretch"
    rows: int | None = Field(default=None, ge=1)
    pool: Pool = "mean"


@dataclass(frozen=True, slots=True)
class PictureGrid:
    """Placement of a picture in the input of a network.

    Attributes:
        input_width, input_height: size of the input, pixels.
        cell: side of a cell, pixels of the input.
        width, height: size of the picture, pixels.
        left, top, right, bottom: area of the input that the picture fills, pixels.
    """

    input_width: int
    input_height: int
    cell: int
    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, input_size: tuple[int, int], cell: int, picture_size: tuple[int, int], fit: Fit) -> Self:
        """Place a picture in an input; sizes are (width, height)."""
        (input_width, input_height), (width, height) = input_size, picture_size
        if fit == "stretch":
            return cls(*input_size, cell, *picture_size, 0, 0, input_width, input_height)
        scale = min(input_width / width, input_height / height)
        # Even, as inputs are: with equal margins on both sides, a mirrored picture covers mirrored cells.
        shown_width, shown_height = (2 * max(1, round(length * scale / 2)) for length in picture_size)
        left, top = (input_width - shown_width) // 2, (input_height - shown_height) // 2
        return cls(*input_size, cell, *picture_size, left, top, left + shown_width, top + shown_height)

    def draw(self, frames: NDArray[np.uint8], resample: Image.Resampling) -> NDArray[np.uint8]:
        """Resize pictures (N, H, W, 3) to the input of the network: (N, input_height, input_width, 3)."""
        size = self.right - self.left, self.bottom - self.top
        drawn = np.full((len(frames), self.input_height, self.input_width, 3), _GREY, dtype=np.uint8)
        for number, frame in enumerate(frames):
            same = size == (self.width, self.height)
            shown = frame if same else np.asarray(Image.fromarray(frame).resize(size, resample))
            drawn[number, self.top : self.bottom, self.left : self.right] = shown
        return drawn

    def token_map(
        self,
        cells: NDArray[np.float32],
        times: NDArray[np.float64],
        horizontal_fov_deg: float,
        settings: PictureSettings,
    ) -> TokenMap:
        """The token map of the output (N, rows, columns, D): pooled as set, without cells that cover only grey."""
        rows, row_places = self._inside(self.input_height, self.top, self.bottom)
        columns, column_places = self._inside(self.input_width, self.left, self.right)
        cells = cells[:, rows][:, :, columns]
        if settings.rows is not None and settings.rows < cells.shape[1]:
            groups = np.array_split(np.arange(cells.shape[1]), settings.rows)
            pooled = (cells[:, group].mean(axis=1) if settings.pool == "mean" else cells[:, group].max(axis=1)
                      for group in groups)  # fmt: skip
            cells = np.stack(list(pooled), axis=1)
            row_places = np.array([row_places[group].mean() for group in groups])
        camera = Camera(self.width, self.height, horizontal_fov_deg)
        azimuth = camera.azimuth(column_places * self.width)
        up = (0.5 - row_places)[:, None] * self.height
        # Elevation is the angle above the horizon in the direction of the column, so the distance grows to the sides.
        away = camera.focal_px / np.cos(np.radians(azimuth))[None]
        elevation = np.degrees(np.arctan2(up, away))
        count, height, width, dim = cells.shape
        return TokenMap(
            cells.reshape(count, height * width, dim),
            np.asarray(times, dtype=np.float64),
            np.broadcast_to(azimuth, (height, width)).astype(np.float32).ravel(),
            elevation.astype(np.float32).ravel(),
            "picture",
        )

    def _inside(self, length: int, first: int, last: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Cells along one axis whose centre is in the picture, and its place: 0 at the first edge, 1 at the other."""
        middles = (np.arange(length // self.cell) + 0.5) * self.cell
        inside = np.flatnonzero((middles > first) & (middles < last))
        if not inside.size:  # the picture is so narrow that no centre is in it
            away = np.abs(middles - (first + last) / 2)
            inside = np.flatnonzero(away == away.min())
        return inside, np.clip((middles[inside] - first) / (last - first), 0.0, 1.0)


def check_frames(frames: NDArray[np.uint8], times: NDArray[np.float64], horizontal_fov_deg: float) -> tuple[int, int]:
    """Check pictures and their times; returns the width and height of the pictures.

    Raises:
        EncoderError: they cannot be encoded.
    """
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
        raise EncoderError(f"an encoder takes pictures (N, H, W, 3) uint8, not {frames.dtype} {frames.shape}")
    if np.shape(times) != (len(frames),) or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise EncoderError(f"{len(frames)} pictures need {len(frames)} increasing times in seconds")
    if not 0 < horizontal_fov_deg < 180:
        raise EncoderError(f"a field of view must be between 0 and 180 degrees, not {horizontal_fov_deg}")
    return frames.shape[2], frames.shape[1]
