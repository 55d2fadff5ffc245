"""Display orientation of a picture: display matrix and pixel aspect ratio, as phones and DV cameras write them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_MATRIX_BYTES: Final = 36
_SIDE_DATA_OF: Final[Any] = SideDataContainer


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight orientations of a picture: transposed first, then flipped.

    Attributes:
        transpose: whether rows and columns are exchanged.
        flip_x, flip_y: horizontal and vertical mirroring after the transposition.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Orientation:
        """Orientation according to a frame's display matrix; upright if there is none.

        The matrix maps (x, y) to (a x + c y, b x + d y), y downwards; matrices that are not quarter turns are rounded.
        """
        # `frame.side_data` would create a reference cycle, which keeps pictures in memory until the garbage collector
        # runs.
        side_data = _SIDE_DATA_OF(frame).get("DISPLAYMATRIX")
        if side_data is None:
            return cls()
        raw = bytes(side_data)
        if len(raw) < _MATRIX_BYTES:
            return cls()
        a, b, _, c, d = (int(value) for value in np.frombuffer(raw, np.int32, count=5))
        if abs(b) > abs(a):
            return cls(transpose=True, flip_x=c < 0, flip_y=b < 0)
        return cls(flip_x=a < 0, flip_y=d < 0)

    @property
    def rotation(self) -> int:
        """Counter-clockwise turn in degrees: 0, 90, 180 or 270 (of a mirrored picture, after mirroring left-right)."""
        if self.transpose:
            return 90 if self.flip_y else 270
        return 180 if self.flip_y else 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Displayed width and height."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (H, W, 3) in display orientation, contiguous."""
        if self.transpose:
            picture = picture.transpose(1, 0, 2)
        rows, columns = (slice(None, None, -1) if flip else slice(None) for flip in (self.flip_y, self.flip_x))
        return np.ascontiguousarray(picture[rows, columns])


def square_width(frame: VideoFrame, sample_aspect: Any) -> int:
    """Width of a frame in square pixels, which the camera geometry needs."""
    if not sample_aspect or sample_aspect <= 0 or sample_aspect == 1:
        return frame.width
    return max(1, round(frame.width * Fraction(sample_aspect)))
