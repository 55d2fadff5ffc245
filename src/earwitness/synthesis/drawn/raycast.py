"""What rays from the camera hit: the six surfaces of a shoebox room and the boxes in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.synthesis.drawn.furniture import Box, Point

FloatArray = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class Hit:
    """What rays hit first.

    Attributes:
        reach: (n,) distance in lengths of the ray.
        face: (n,) 0 to 5: the surface faces +x, -x, +y, -y, +z, -z.
        texture: (n,) its number in the atlas.
        u, v: (n,) place on the texture, from the left and from the top, 0 to 1.
    """

    reach: FloatArray
    face: NDArray[np.intp]
    texture: NDArray[np.intp]
    u: FloatArray
    v: FloatArray

    @classmethod
    def of_walls(cls, unit: FloatArray, size: Point, eye: Point) -> Hit:
        """The six surfaces of the room, seen from inside."""
        reaches = []
        for ray, length, start in zip(unit, size, eye, strict=True):
            steep = np.where(np.abs(ray) < 1e-7, np.float32(1e-7), ray)
            reaches.append(np.where(steep > 0, np.float32(length - start), np.float32(-start)) / steep)
        axis = np.argmin(np.stack(reaches), axis=0)
        reach = np.minimum(np.minimum(reaches[0], reaches[1]), reaches[2])
        forward = np.choose(axis, unit) > 0
        # The wall at the far end of an axis looks back along it.
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
        """Let boxes that stand together hide what is behind them."""
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
    """Indices of the rays within the cone around a box (corners relative to the eye)."""
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, 8)
    centre = (low + high) / 2
    centre /= max(float(np.linalg.norm(centre)), 1e-6)
    cosine = float((centre @ corners / np.maximum(np.linalg.norm(corners, axis=0), 1e-6)).min()) - 1e-4
    if cosine <= 0:
        return np.arange(unit.shape[1])
    return np.flatnonzero(centre[0] * unit[0] + centre[1] * unit[1] + centre[2] * unit[2] >= np.float32(cosine))


def edges(texture: NDArray[np.intp]) -> NDArray[np.intp]:
    """Flat indices of the pixels (h, w) beside another surface."""
    edge = np.zeros(texture.shape, dtype=np.bool_)
    across, down = texture[:, 1:] != texture[:, :-1], texture[1:] != texture[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return np.flatnonzero(edge)


def _vector(point: Point) -> FloatArray:
    return np.asarray(point, dtype=np.float32)
