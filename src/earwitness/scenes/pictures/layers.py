"""Pictures composited from a background and patches, and their planes for a video encoder.

Little changes between consecutive pictures; only the changed regions are composited and converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from earwitness.scenes.pictures.billboard import Patch

Frame = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; column x1 and row y1 are excluded."""

_REACH: Final = 4
"""Pixels around a change whose colour may also change, since chroma is subsampled and interpolated."""
_MARGIN: Final = 16
"""Pixels converted around the region that is kept, so that border effects of the conversion are cut off."""
_STEP: Final = 32
"""Converted sizes are multiples of this, since FFmpeg's setup for each new size is slow."""


class Layers:
    """A background (H, W, 3) with patches composited over it.

    Attributes:
        picture: (H, W, 3) the composited picture; updated in place by `show`.
    """

    def __init__(self, background: Frame) -> None:
        self._background = background
        self._patches: Sequence[Patch | None] = ()
        self.picture = background.copy()

    def show(self, patches: Sequence[Patch | None]) -> list[Box]:
        """Composite `patches` over the background in order; returns the regions that changed."""
        boxes = _apart(_changed(self._patches, patches))
        self._patches = patches
        for x0, y0, x1, y1 in boxes:
            region = self.picture[y0:y1, x0:x1]
            region[...] = self._background[y0:y1, x0:x1]
            for patch in patches:
                if patch is not None:
                    patch.composite(region, x0, y0)
        return boxes


class Planes:
    """A picture as 4:2:0 planes in BT.709, of even size."""

    def __init__(self, picture: Frame) -> None:
        height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
        self._size = (width, height)
        self._planes = _converted(picture[:height, :width])

    def update(self, picture: Frame, boxes: Sequence[Box]) -> None:
        """Convert the changed regions of the picture."""
        for box in boxes:
            kept, converted = self._grown(box, _REACH, 2), self._grown(box, _REACH + _MARGIN, _STEP)
            parts = _converted(picture[converted[1] : converted[3], converted[0] : converted[2]])
            for plane, part, shared in zip(self._planes, parts, (1, 2, 2), strict=True):
                x0, y0, x1, y1 = (side // shared for side in kept)
                left, top = converted[0] // shared, converted[1] // shared
                plane[y0:y1, x0:x1] = part[y0 - top : y1 - top, x0 - left : x1 - left]

    def frame(self) -> VideoFrame:
        """The picture as a frame for the encoder."""
        frame = VideoFrame(*self._size, "yuv420p")
        for target, plane in zip(frame.planes, self._planes, strict=True):
            _array(target)[:, : target.width] = plane
        frame.colorspace, frame.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
        return frame

    def _grown(self, box: Box, by: int, step: int) -> Box:
        """A box grown by `by` pixels and rounded outwards to multiples of `step`, within the picture."""
        width, height = self._size
        x0, y0 = (max(0, (side - by) // step * step) for side in box[:2])
        x1, y1 = (
            min(most, -(-(side + by) // step) * step) for side, most in zip(box[2:], (width, height), strict=True)
        )
        return x0, y0, x1, y1


def _changed(before: Sequence[Patch | None], after: Sequence[Patch | None]) -> list[Box]:
    """Boxes of the patches that were added, removed or reordered."""
    moved = [pair for pair in zip_longest(before, after) if pair[0] is not pair[1]]
    return [patch.box for pair in moved for patch in pair if patch is not None]


def _apart(boxes: list[Box]) -> list[Box]:
    """Disjoint boxes that cover all given ones."""
    apart: list[Box] = []
    for box in boxes:
        while meeting := [other for other in apart if _meet(box, other)]:
            apart = [other for other in apart if other not in meeting]
            sides = list(zip(box, *meeting, strict=True))
            box = (min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3]))
        apart.append(box)
    return apart


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _converted(picture: Frame) -> list[Frame]:
    """Planes Y, U and V of an RGB picture of even size."""
    height, width = picture.shape[:2]
    rgb = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    frame = _reformatter(width, height).reformat(
        rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    return [_array(plane)[:, : plane.width].copy() for plane in frame.planes]


@lru_cache(maxsize=64)
def _reformatter(width: int, height: int) -> VideoReformatter:
    """A reformatter for each size, since a reformatter caches only its last setup."""
    return VideoReformatter()


def _array(plane: Any) -> Frame:
    """View of the memory of a plane: (rows, bytes per row)."""
    return np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
