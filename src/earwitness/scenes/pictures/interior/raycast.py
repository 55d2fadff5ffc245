"""Ray casting in a shoebox room with boxes, and a texture atlas.

The textures of all surfaces are in one array, so that they are sampled together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.scenes.pictures.interior.furniture import Box, Point

_LEVELS: Final = 5
_ODD_BYTES: Final = np.uint32(0x00FF00FF)


@dataclass(slots=True, eq=False)
class TextureAtlas:
    """Pictures and their reductions by 2, 4, 8, ... (mip levels), concatenated."""

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
        """Colours, with bilinear interpolation in the best mip level.

        Args:
            texture: (n,) texture numbers.
            u, v: (n,) in [0, 1], from the left and from the top.
            footprint: (n,) size in metres of a pixel of the picture on the surface.

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
    """Mix packed RGBA pixels with `share` / 256 of `second`, two channels per multiplication."""
    keep, eight = np.uint32(256) - share, np.uint32(8)
    even = ((first & _ODD_BYTES) * keep + (second & _ODD_BYTES) * share) >> eight
    odd = ((first >> eight) & _ODD_BYTES) * keep + ((second >> eight) & _ODD_BYTES) * share
    return (even & _ODD_BYTES) | (odd & ~_ODD_BYTES)


FloatArray = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class Hit:
    """The first hits of rays.

    Attributes:
        reach: (n,) distance in lengths of the ray.
        face: (n,) 0 to 5: orientation of the surface: +x, -x, +y, -y, +z, -z.
        texture: (n,) texture number in the atlas.
        u, v: (n,) position on the texture, from the left and from the top, 0 to 1.
    """

    reach: FloatArray
    face: NDArray[np.intp]
    texture: NDArray[np.intp]
    u: FloatArray
    v: FloatArray

    @classmethod
    def of_walls(cls, unit: FloatArray, size: Point, eye: Point) -> Hit:
        """Hits on the six inner surfaces of the room."""
        reaches = []
        for ray, length, start in zip(unit, size, eye, strict=True):
            steep = np.where(np.abs(ray) < 1e-7, np.float32(1e-7), ray)
            reaches.append(np.where(steep > 0, np.float32(length - start), np.float32(-start)) / steep)
        axis = np.argmin(np.stack(reaches), axis=0)
        reach = np.minimum(np.minimum(reaches[0], reaches[1]), reaches[2])
        forward = np.choose(axis, unit) > 0
        # The wall at the far end of an axis faces backwards along it.
        face = 2 * axis + forward
        texture = np.where(forward, 2 * axis, 2 * axis + 1).astype(np.intp)
        x, y, z = (start + reach * ray for start, ray in zip(eye, unit, strict=True))
        share_x, share_y, share_z = x / np.float32(size[0]), y / np.float32(size[1]), z / np.float32(size[2])
        across = np.where(
            axis == 0,
            np.where(forward, 1 - share_y, share_y),
            np.where(axis == 1, np.where(forward, share_x, 1 - share_x), share_x),
        )
        down = np.where(axis == 2, 1 - share_y, 1 - share_z)
        return cls(reach, face, texture, across, down)

    def meet_boxes(self, unit: FloatArray, eye: Point, boxes: tuple[Box, ...], skins: NDArray[np.intp]) -> None:
        """Update the hits with a group of boxes."""
        low = np.min([box.low for box in boxes], axis=0).astype(np.float32) - _vector(eye)
        high = np.max([box.high for box in boxes], axis=0).astype(np.float32) - _vector(eye)
        near = _candidates(unit, low, high)
        for box, numbers in zip(boxes, skins, strict=True):
            if near.size:
                self._meet(unit, eye, box, numbers, near)

    def _meet(self, unit: FloatArray, eye: Point, box: Box, skins: NDArray[np.intp], near: NDArray[np.intp]) -> None:
        low, high = _vector(box.low) - _vector(eye), _vector(box.high) - _vector(eye)
        part = unit[:, near]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / part
            first, second = low[:, None] * inverse, high[:, None] * inverse
        enter, leave = np.minimum(first, second), np.maximum(first, second)
        axis = np.argmax(enter, axis=0)
        reach, end = enter.max(axis=0), leave.min(axis=0)
        met = (reach < end) & (reach > 0) & (reach < self.reach[near])
        if not met.any():
            return
        near, axis, reach = near[met], axis[met], reach[met].astype(np.float32)
        part = part[:, met]
        backward = np.choose(axis, part) > 0
        share = [(reach * part[a] - low[a]) / (high[a] - low[a]) for a in range(3)]
        self.reach[near] = reach
        self.face[near] = 2 * axis + backward
        self.texture[near] = skins[self.face[near]]
        self.u[near] = np.where(
            axis == 0,
            np.where(backward, 1 - share[1], share[1]),
            np.where(axis == 1, np.where(backward, share[0], 1 - share[0]), share[0]),
        )
        self.v[near] = np.where(axis == 2, share[1], 1 - share[2])


def _candidates(unit: FloatArray, low: FloatArray, high: FloatArray) -> NDArray[np.intp]:
    """Indices of the rays within the bounding cone of a box (corners relative to the camera)."""
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, 8)
    centre = (low + high) / 2
    centre /= max(float(np.linalg.norm(centre)), 1e-6)
    cosine = float((centre @ corners / np.maximum(np.linalg.norm(corners, axis=0), 1e-6)).min()) - 1e-4
    if cosine <= 0:
        return np.arange(unit.shape[1])
    return np.flatnonzero(centre[0] * unit[0] + centre[1] * unit[1] + centre[2] * unit[2] >= np.float32(cosine))


def edges(texture: NDArray[np.intp]) -> NDArray[np.intp]:
    """Flat indices of the pixels (h, w) next to another surface."""
    edge = np.zeros(texture.shape, dtype=np.bool_)
    across, down = texture[:, 1:] != texture[:, :-1], texture[1:] != texture[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return np.flatnonzero(edge)


def _vector(point: Point) -> FloatArray:
    return np.asarray(point, dtype=np.float32)
