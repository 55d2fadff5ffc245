"""Pictures of room interiors: ray-cast furnished shoeboxes, or the user's own 360-degree photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import MediaError
from earwitness.core.geometry import DCASE_CAMERA, Camera
from earwitness.scenes.pictures.interior import surfaces
from earwitness.scenes.pictures.interior.furniture import Box, Furniture, Point, furnish
from earwitness.scenes.pictures.interior.raycast import FloatArray, Hit, TextureAtlas, edges
from earwitness.scenes.pictures.interior.room_style import RoomStyle
from earwitness.scenes.pictures.perspective import rays
from earwitness.scenes.pictures.photo import photo_size, read_photo

Footprint = tuple[float, float, float, float]

_SURFACES: Final = 6
_FLOOR, _CEILING = 5, 4
_CORNER_DARKNESS: Final = 0.3
_CORNER_METRES: Final = 0.22
_MIDDLE_GREY: Final = 148.0
_SHOULDER: Final = 195.0
"""Higher brightness is compressed."""
_GRAIN: Final = 1.6
"""Standard deviation of the camera noise, of 255."""


@dataclass(frozen=True, slots=True, eq=False)
class Interior:
    """A room with a camera, ready for rendering.

    Attributes:
        size: (length, width, height) in metres; x ahead, y to the left, z up, from the right rear corner of the floor.
        eye: position of the camera.
        style: colours and materials.
        furniture: its furniture.
        lamps: (x, y) positions of the ceiling lamps.
        atlas: textures; the first six are the walls ahead, behind, left and right, the ceiling and the floor.
        skins: texture number of each face of each box.
        seed: seed of the camera noise.
        exposure: brightness factor.
    """

    size: Point
    eye: Point
    style: RoomStyle
    furniture: tuple[Furniture, ...]
    lamps: tuple[tuple[float, float], ...]
    atlas: TextureAtlas
    skins: NDArray[np.intp]
    seed: int
    exposure: float = 1.0

    def panorama(self, width: int = 1920) -> NDArray[np.uint8]:
        """Equirectangular picture (width // 2, width, 3) with azimuth 0 at the centre."""
        height = width // 2
        azimuth = np.pi * (1 - 2 * (np.arange(width, dtype=np.float32) + 0.5) / width)
        elevation = np.pi * (0.5 - (np.arange(height, dtype=np.float32) + 0.5) / height)
        level = np.cos(elevation)[:, None]
        ahead, left = level * np.cos(azimuth)[None, :], level * np.sin(azimuth)[None, :]
        up = np.broadcast_to(np.sin(elevation)[:, None], (height, width))
        return self.cast(ahead, left, up, 2 * np.pi / width)[0]

    def view(self, camera: Camera = DCASE_CAMERA, yaw: float = 0.0) -> tuple[NDArray[np.uint8], FloatArray]:
        """Perspective picture of a camera rotated by `yaw`, sharper than a view of a panorama.

        Returns:
            picture: (height, width, 3) uint8; depth: (height, width) metres to furniture, else infinite.
        """
        left, up = rays(camera)
        turn = np.radians(yaw)
        ahead = np.cos(turn) + np.sin(turn) * left
        across = -np.sin(turn) + np.cos(turn) * left
        shape = (camera.height, camera.width)
        return self.cast(
            np.broadcast_to(ahead.astype(np.float32), shape),
            np.broadcast_to(across.astype(np.float32), shape),
            np.broadcast_to(up[:, None], shape),
            1 / camera.focal_px,
        )

    def cast(
        self, ahead: FloatArray, left: FloatArray, up: FloatArray, pixel: float
    ) -> tuple[NDArray[np.uint8], FloatArray]:
        """Cast rays from the camera.

        Args:
            ahead, left, up: (h, w) directions of any length.
            pixel: angle of a pixel in radians, for anti-aliasing.

        Returns:
            picture: (h, w, 3) uint8; depth: (h, w) metres to furniture, else infinite.
        """
        shape = ahead.shape
        directions = np.stack([part.ravel() for part in (ahead, left, up)]).astype(np.float32)
        colours, depth, texture = self._trace(directions, pixel)
        # Supersampling with four rays per pixel is needed only at edges between surfaces.
        edge = edges(texture.reshape(shape))
        aside = np.where(edge % shape[1] == shape[1] - 1, -1, 1)
        below = np.where(edge // shape[1] == shape[0] - 1, -shape[1], shape[1])
        quarter_right = (directions[:, edge + aside] - directions[:, edge]) * (0.25 * aside).astype(np.float32)
        quarter_down = (directions[:, edge + below] - directions[:, edge]) * (0.25 * np.sign(below)).astype(np.float32)
        finer = [directions[:, edge] + i * quarter_right + j * quarter_down for i in (-1, 1) for j in (-1, 1)]
        several = self._trace(np.concatenate(finer, axis=1), pixel)[0]
        colours[:, edge] = several.reshape(3, 4, -1).mean(axis=1)
        rng = np.random.default_rng(self.seed)
        colours += rng.standard_normal(colours.shape[1], dtype=np.float32) * np.float32(_GRAIN)
        _soften_highlights(colours)
        np.clip(colours, 0, 255, out=colours)
        picture = np.ascontiguousarray(colours.T.astype(np.uint8)).reshape(*shape, 3)
        depth[texture < _SURFACES] = np.inf
        return picture, depth.reshape(shape)

    def _trace(self, directions: FloatArray, pixel: float) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
        """Colours (3, n), distances (n,) and textures (n,) at the hits of rays (3, n)."""
        unit = directions / np.sqrt((directions**2).sum(axis=0))
        hit = Hit.of_walls(unit, self.size, self.eye)
        number = 0
        for piece in self.furniture:
            hit.meet_boxes(unit, self.eye, piece.boxes, self.skins[number : number + len(piece.boxes)])
            number += len(piece.boxes)
        place = [eye + hit.reach * ray for eye, ray in zip(self.eye, unit, strict=True)]
        facing = np.maximum(np.abs(np.choose(hit.face // 2, unit)), np.float32(1e-3))
        colours = self.atlas.sample(hit.texture, hit.u, hit.v, hit.reach * np.float32(pixel) / np.sqrt(facing))
        colours *= self._light(hit, place)
        return colours, hit.reach, hit.texture

    def _light(self, hit: Hit, place: list[FloatArray]) -> FloatArray:
        """Brightness and tint (3, n) at hits from lamps, corners and shadows of furniture."""
        light = np.full(hit.reach.shape, 0.56 + 0.16 * self.style.daylight, dtype=np.float32)
        strength = np.float32(1.3 / len(self.lamps))
        for lamp_x, lamp_y in self.lamps:
            towards = [lamp_x - place[0], lamp_y - place[1], self.size[2] - 0.25 - place[2]]
            squared = towards[0] ** 2 + towards[1] ** 2 + towards[2] ** 2
            cosine = np.choose(hit.face // 2, towards) * (1 - 2 * (hit.face % 2)) / np.sqrt(squared)
            # Surfaces that face away from the lamp receive reflected light.
            light += strength * (0.35 + 0.65 * np.maximum(cosine, 0)) / (1 + 0.16 * squared)
        light *= self._occlusion(hit, place)
        # The ceiling has the texture of the lamps, which must not be darkened.
        glowing = hit.texture == _CEILING
        light[glowing] = np.maximum(light[glowing], 0.93)
        tint = np.array([1.0, 1 - 0.05 * self.style.warmth, 1 - 0.14 * self.style.warmth], dtype=np.float32)
        return tint[:, None] * (light * np.float32(self.exposure))

    def _occlusion(self, hit: Hit, place: list[FloatArray]) -> FloatArray:
        """Darkening (n,) near corners and around furniture, 0 to 1."""
        kept = np.ones_like(hit.reach)
        on_room = hit.texture < _SURFACES
        for axis in range(3):
            near = np.minimum(place[axis], self.size[axis] - place[axis])
            dark = np.float32(_CORNER_DARKNESS) * np.exp(-np.maximum(near, 0) / np.float32(_CORNER_METRES))
            kept *= np.where(hit.face // 2 == axis, 1, 1 - np.where(on_room | (axis == 2), dark, 0))
        floor = np.flatnonzero(hit.texture == _FLOOR)
        x, y = place[0][floor], place[1][floor]
        shadow = np.ones_like(x)
        for piece in self.furniture:
            x0, y0, x1, y1 = piece.footprint
            off = np.hypot(np.maximum(np.maximum(x0 - x, x - x1), 0), np.maximum(np.maximum(y0 - y, y - y1), 0))
            shadow *= 1 - np.float32(piece.shadow) * np.exp(-off / np.float32(0.14))
        kept[floor] *= shadow
        return kept


def draw_interior(
    size: Point,
    eye: Point,
    rng: np.random.Generator,
    *,
    keep_clear: Callable[[Footprint], bool] = lambda footprint: False,
    stands: Callable[[RoomStyle], list[Furniture]] = lambda style: [],
    pixels_per_metre: float = 96.0,
) -> Interior:
    """Draw a random room of a given size.

    Args:
        size, eye: as in `Interior`.
        rng: random generator of the style, the fittings and the furniture.
        keep_clear: whether a footprint must be kept free of furniture.
        stands: required furniture, in the style of the room.
        pixels_per_metre: resolution of the surfaces.
    """
    style = RoomStyle.draw(rng)
    length, width, height = size
    count = style.lamps
    lamps = tuple(
        (length * (number + 0.5) / count, width * float(rng.uniform(0.4, 0.6)))
        if length > width
        else (length * float(rng.uniform(0.4, 0.6)), width * (number + 0.5) / count)
        for number in range(count)
    )
    scale = min(pixels_per_metre, 1400 / max(size))
    atlas = TextureAtlas()
    hung: Counter[str] = Counter()
    openings = []
    for index, along in enumerate((width, width, length, length)):
        image, covered = surfaces.wall(style, index, along, height, scale, hung, rng)
        atlas.add(image, along)
        openings.append(covered)
    atlas.add(surfaces.ceiling(style, length, width, list(lamps), scale * 0.6, rng), length)
    atlas.add(surfaces.floor(style, length, width, scale, rng), length)
    furniture = (*stands(style), *furnish(style, size, openings, lambda f: _near_eye(f, eye) or keep_clear(f), rng))
    skins = [_add_skins(atlas, box) for piece in furniture for box in piece.boxes]
    table = np.asarray(skins, dtype=np.intp).reshape(-1, 6)
    room = Interior(size, eye, style, furniture, lamps, atlas, table, int(rng.integers(2**31)))
    # Automatic exposure: the mean brightness of the whole room becomes middle grey.
    return replace(room, exposure=style.exposure * _MIDDLE_GREY / float(room.panorama(96).mean()))


def load_panorama(path: str | Path) -> NDArray[np.uint8]:
    """Read a 360-degree photo (equirectangular, twice as wide as high) as (H, W, 3) uint8.

    Raises:
        UnreadableMediaError: the picture cannot be read.
        MediaError: it is not twice as wide as high; the message gives its size.
    """
    path = Path(path)
    check_panorama(path)
    return np.asarray(read_photo(path))


def check_panorama(path: Path) -> None:
    """Check that a file is a 360-degree photo; only its header is read.

    Raises:
        UnreadableMediaError, MediaError: as `load_panorama`.
    """
    width, height = photo_size(path)
    # Scaling of odd sizes can change the width by a pixel or two.
    if abs(width - 2 * height) > 2 or height < 2:
        raise MediaError(
            f"{path}: a 360-degree photo is twice as wide as high, this one is {width}x{height}; "
            "export it as a full equirectangular panorama"
        )


def _soften_highlights(colours: FloatArray) -> None:
    """Compress highlights in place."""
    bright = colours > _SHOULDER
    room = 255 - _SHOULDER
    colours[bright] = _SHOULDER + room * np.tanh((colours[bright] - _SHOULDER) / room)


def _near_eye(footprint: Footprint, eye: Point, clear: float = 0.7) -> bool:
    x0, y0, x1, y1 = footprint
    return x0 - clear < eye[0] < x1 + clear and y0 - clear < eye[1] < y1 + clear


def _add_skins(atlas: TextureAtlas, box: Box) -> list[int]:
    plain = atlas.add(Image.new("RGB", (16, 16), box.colour), 16.0)
    numbers = [plain] * 6
    if box.skin is not None:
        side = 1 if box.front < 2 else 0
        numbers[box.front] = atlas.add(box.skin, box.high[side] - box.low[side])
    return numbers
