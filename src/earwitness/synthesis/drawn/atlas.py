"""Textures of many surfaces in one array, so that a picture samples all of them in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LEVELS: Final = 5
_ODD_BYTES: Final = np.uint32(0x00FF00FF)


@dataclass(slots=True, eq=False)
class TextureAtlas:
    """Pictures with their reductions by 2, 4, 8, ... (mip levels), end to end."""

    _pixels: list[NDArray[np.uint32]] = field(default_factory=list)
    _offset: list[list[int]] = field(default_factory=list)
    _size: list[list[tuple[int, int]]] = field(default_factory=list)
    _metres: list[float] = field(default_factory=list)
    _end: int = 0
    _joined: NDArray[np.uint32] | None = None

    def add(self, image: Image.Image, width: float) -> int:
        """Add a picture that is `width` metres wide; returns its number."""
        offsets, sizes = [], []
        for level in range(_LEVELS):
            reduced = image.reduce(2**level) if level else image
            packed = np.asarray(reduced.convert("RGBA")).view("<u4")[..., 0].astype(np.uint32, copy=False)
            offsets.append(self._end)
            sizes.append((packed.shape[0], packed.shape[1]))
            self._pixels.append(packed.ravel())
            self._end += packed.size
        self._offset.append(offsets)
        self._size.append(sizes)
        self._metres.append(width / image.width)
        return len(self._offset) - 1

    def sample(
        self, texture: NDArray[np.intp], u: NDArray[np.float32], v: NDArray[np.float32], footprint: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Colours, bilinear within the mip level that fits.

        Args:
            texture: (n,) numbers of textures.
            u, v: (n,) in [0, 1], from the left and from the top.
            footprint: (n,) metres that a picture's pixel covers on the surface.

        Returns:
            (3, n) float32 in [0, 255].
        """
        detail = footprint / np.asarray(self._metres, dtype=np.float32)[texture]
        level = np.clip(np.rint(np.log2(np.maximum(detail, 1.0))), 0, _LEVELS - 1).astype(np.intp)
        which = texture * _LEVELS + level
        height, width = np.asarray(self._size, dtype=np.int32).reshape(-1, 2).T
        wide, tall = width[which], height[which]
        x = np.clip(u * wide - np.float32(0.5), 0, wide - 1).astype(np.float32)
        y = np.clip(v * tall - np.float32(0.5), 0, tall - 1).astype(np.float32)
        column, row = x.astype(np.int32), y.astype(np.int32)
        right = np.minimum(column + 1, wide - 1) - column
        start = np.asarray(self._offset, dtype=np.int64).ravel()[which] + row * wide + column
        down = (np.minimum(row + 1, tall - 1) - row) * wide
        across = ((x - column) * 256).astype(np.uint32)
        along = ((y - row) * 256).astype(np.uint32)
        if self._joined is None or self._joined.size != self._end:
            self._joined = np.concatenate(self._pixels)
        pixels = self._joined
        upper = _mix(pixels[start], pixels[start + right], across)
        lower = _mix(pixels[start + down], pixels[start + down + right], across)
        packed = _mix(upper, lower, along)
        return np.stack([((packed >> np.uint32(shift)) & np.uint32(255)).astype(np.float32) for shift in (0, 8, 16)])


def _mix(first: NDArray[np.uint32], second: NDArray[np.uint32], share: NDArray[np.uint32]) -> Any:
    """Packed RGBA pixels mixed by 256ths of `second`, two channels to a multiplication."""
    keep, eight = np.uint32(256) - share, np.uint32(8)
    even = ((first & _ODD_BYTES) * keep + (second & _ODD_BYTES) * share) >> eight
    odd = ((first >> eight) & _ODD_BYTES) * keep + ((second >> eight) & _ODD_BYTES) * share
    return (even & _ODD_BYTES) | (odd & ~_ODD_BYTES)
