"""Pictures made of a background with patches over it, and their planes as a video encoder takes them.

From one picture to the next little changes, and only that is laid over and converted anew.
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
"""x0, y0, x1, y1, pixels; without column x1 and row y1."""

_REACH: Final = 4
"""Pixels around a changed one whose colour may change with it: colours are shared by four pixels and interpolated."""
_MARGIN: Final = 16
"""Pixels converted around what is kept, so that the borders of what is converted do not show."""
_STEP: Final = 32
"""Sizes that are converted are multiples of this, since FFmpeg takes long to prepare for a new one."""


class Layers:
    """A background (H, W, 3) with patches over it.

    Attributes:
        picture: (H, W, 3) how it looks; changes with every `show`.
    """

    def __init__(self, background: Frame) -> None:
        self._background = background
        self._patches: Sequence[Patch | None] = ()
        self.picture = background.copy()

    def show(self, patches: Sequence[Patch | None]) -> list[Box]:
        """Lay `patches` over the background, in their order; returns where the picture changed."""
        boxes = _apart(_changed(self._patches, patches))
        self._patches = patches
        for x0, y0, x1, y1 in boxes:
            region = self.picture[y0:y1, x0:x1]
            region[...] = self._background[y0:y1, x0:x1]
            for patch in patches:
                if patch is not None:
                    patch.lay_over(region, x0, y0)
        return boxes


class Planes:
    """A picture as 4:2:0 planes in BT.709, of even size."""

    def __init__(self, picture: Frame) -> None:
        height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
        self._size = (width, height)
        self._planes = _converted(picture[:height, :width])

    def update(self, picture: Frame, boxes: Sequence[Box]) -> None:
        """Take over what changed in the picture."""
        for box in boxes:
            kept, seen = self._grown(box, _REACH, 2), self._grown(box, _REACH + _MARGIN, _STEP)
            parts = _converted(picture[seen[1] : seen[3], seen[0] : seen[2]])
            for plane, part, shared in zip(self._planes, parts, (1, 2, 2), strict=True):
                x0, y0, x1, y1 = (side // shared for side in kept)
                left, top = seen[0] // shared, seen[1] // shared
                plane[y0:y1, x0:x1] = part[y0 - top : y1 - top, x0 - left : x1 - left]

    def frame(self) -> VideoFrame:
        """The picture for the encoder."""
        frame = VideoFrame(*self._size, "yuv420p")
        for target, plane in zip(frame.planes, self._planes, strict=True):
            _array(target)[:, : target.width] = plane
        frame.colorspace, frame.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
        return frame

    def _grown(self, box: Box, by: int, step: int) -> Box:
        """A box with `by` more pixels around it, its sides at multiples of `step`, within the picture."""
        width, height = self._size
        x0, y0 = (max(0, (side - by) // step * step) for side in box[:2])
        x1, y1 = (
            min(most, -(-(side + by) // step) * step) for side, most in zip(box[2:], (width, height), strict=True)
        )
        return x0, y0, x1, y1


def _changed(before: Sequence[Patch | None], after: Sequence[Patch | None]) -> list[Box]:
    """Boxes of the patches that came, went or lie elsewhere in the order."""
    moved = [pair for pair in zip_longest(before, after) if pair[0] is not pair[1]]
    return [patch.box for pair in moved for patch in pair if patch is not None]


def _apart(boxes: list[Box]) -> list[Box]:
    """Boxes that do not meet, and hold all of those given."""
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
    """One for each size: it keeps what it prepared for the last one that it saw."""
    return VideoReformatter()


def _array(plane: Any) -> Frame:
    """A plane's own memory: (rows, bytes a row)."""
    return np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
