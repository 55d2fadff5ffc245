"""Billboards (upright pictures) in a perspective view: projection, shadows and compositing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from earwitness.core.geometry import Camera

NEAR: Final = 0.12
"""Near plane: minimum distance ahead of the camera in metres."""
_SHADOW_DARKNESS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Billboard:
    """An upright rectangle that faces the camera.

    Attributes:
        ahead, left: position of its centre, metres from the camera.
        base: height of its lower edge, metres above the camera (negative below).
        width, height: metres.
        mirrored: whether its picture is mirrored.
    """

    ahead: float
    left: float
    base: float
    width: float
    height: float
    mirrored: bool = False

    @property
    def distance(self) -> float:
        """Horizontal distance in metres."""
        return float(np.hypot(self.ahead, self.left))


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A part of a picture to composite over another picture.

    Attributes:
        x, y: its upper left corner in the picture.
        colour: (h, w, 3) uint8, premultiplied by opacity.
        keep: (h, w, 1) uint8, transparency: share (of 255) of the background that is kept.
    """

    x: int
    y: int
    colour: NDArray[np.uint8]
    keep: NDArray[np.uint8]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Its bounding box: x0, y0, x1, y1."""
        height, width = self.keep.shape[:2]
        return self.x, self.y, self.x + width, self.y + height

    def composite(self, picture: NDArray[np.uint8], x: int = 0, y: int = 0) -> None:
        """Composite it in place over a picture (H, W, 3), or over a region that starts at column `x` and row `y`."""
        x0, y0, x1, y1 = self.box
        rows = slice(max(y0, y), min(y1, y + picture.shape[0]))
        columns = slice(max(x0, x), min(x1, x + picture.shape[1]))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return
        region = picture[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
        part = (slice(rows.start - y0, rows.stop - y0), slice(columns.start - x0, columns.stop - x0))
        region[...] = _scaled(region, self.keep[part]) + self.colour[part]

    def over(self, below: Patch) -> Patch:
        """This patch composited over another one."""
        x, y = min(self.x, below.x), min(self.y, below.y)
        right = max(part.x + part.keep.shape[1] for part in (self, below))
        bottom = max(part.y + part.keep.shape[0] for part in (self, below))
        colour = np.zeros((bottom - y, right - x, 3), dtype=np.uint8)
        keep = np.full((bottom - y, right - x, 1), 255, dtype=np.uint8)
        for part in (below, self):
            rows = slice(part.y - y, part.y - y + part.keep.shape[0])
            columns = slice(part.x - x, part.x - x + part.keep.shape[1])
            colour[rows, columns] = _scaled(colour[rows, columns], part.keep) + part.colour
            keep[rows, columns] = _scaled(keep[rows, columns], part.keep)
        return Patch(x, y, colour, keep)


def _softened(visible: NDArray[np.bool_]) -> NDArray[np.uint8] | None:
    """Opacity (h, w, 1) uint8 with smooth borders; None if everything is visible."""
    if visible.all():
        return None
    mask = Image.fromarray(visible.view(np.uint8) * np.uint8(255))
    return np.asarray(mask.filter(ImageFilter.BoxBlur(1)))[..., None]


def _scaled(values: NDArray[np.uint8], share: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Values * share / 255, rounded, in 16-bit arithmetic."""
    product: Any = values.astype(np.uint16)
    product *= share
    product += np.uint16(128)
    product += product >> np.uint16(8)
    product >>= np.uint16(8)
    return np.asarray(product.astype(np.uint8))


@dataclass(frozen=True, slots=True)
class _Grid:
    """Maps pixel edges (0 at the left and top) to the plane one metre ahead, as in `perspective.rays`.

    Column x is at left0 - step * x to the left, row y is at up0 - row_step * y above.
    """

    left0: float
    up0: float
    step: float
    row_step: float

    @classmethod
    @cache
    def of(cls, camera: Camera) -> _Grid:
        edge = float(np.tan(np.radians(camera.horizontal_fov_deg / 2)))
        top = edge * camera.height / camera.width
        step, row_step = 2 * edge / (camera.width - 1), 2 * top / (camera.height - 1)
        return cls(edge + step / 2, top + row_step / 2, step, row_step)


def project(board: Billboard, picture: Image.Image, camera: Camera, depth: NDArray[np.float32] | None) -> Patch | None:
    """Project a billboard into the picture of a camera.

    Args:
        board: the billboard.
        picture: its picture, mode "RGBa".
        camera: the camera, which faces ahead.
        depth: (H, W) metres to objects that may cover it.

    Returns:
        The visible part, or None if it is not visible.
    """
    window = _window(board, camera)
    if window is None:
        return None
    x0, y0, x1, y1 = window
    grid = _Grid.of(camera)
    row_step = grid.row_step
    rho = board.distance
    cos, sin = board.ahead / rho, board.left / rho
    # With directions l (left) and u (up): aside = rho (l cos - sin) / (cos + l sin), height = rho u / (cos + l sin).
    left, up = grid.left0 - grid.step * x0, grid.up0 - row_step * y0
    per_x, per_y = picture.width / board.width, picture.height / board.height
    denominator = np.array([-grid.step * sin, 0.0, cos + left * sin])
    aside = rho * np.array([-grid.step * cos, 0.0, left * cos - sin])
    height = rho * np.array([0.0, -row_step, up])
    sign = -1.0 if board.mirrored else 1.0
    column = per_x * (board.width / 2 * denominator - sign * aside)
    row = per_y * ((board.base + board.height) * denominator - height)
    scale = denominator[2]
    data = [*(column / scale), *(row / scale), *(denominator[:2] / scale)]
    warped = picture.transform(
        (x1 - x0, y1 - y0), Image.Transform.PERSPECTIVE, [float(value) for value in data], Image.Resampling.BILINEAR
    )
    pixels = np.asarray(warped)
    colour, alpha = pixels[..., :3], pixels[..., 3:]
    if depth is not None:
        reach = _reach(board, camera, window)
        visible = _softened(depth[y0:y1, x0:x1] > reach - np.float32(0.02))
        if visible is not None:
            colour, alpha = _scaled(colour, visible), _scaled(alpha, visible)
    return Patch(x0, y0, np.ascontiguousarray(colour), np.uint8(255) - alpha)


def shadow(board: Billboard, camera: Camera, depth: NDArray[np.float32] | None) -> Patch | None:
    """The soft shadow of a billboard on the ground; None if the ground is not visible."""
    if board.base > -0.1 or board.distance < NEAR:
        return None
    radius = 0.36 * min(board.width, 0.9)
    flat = Billboard(board.ahead, board.left, board.base - 0.01, 4 * radius, 0.02)
    near = max(board.distance - 2 * radius, NEAR)
    far = board.distance + 2 * radius
    window = _window(flat, camera)
    if window is None:
        return None
    grid = _Grid.of(camera)
    row_step = grid.row_step
    rows = [int((grid.up0 - board.base / reach) / row_step) for reach in (far, near)]
    y0, y1 = max(rows[0] - 1, 0), min(rows[1] + 2, camera.height)
    x0, x1 = window[0], window[2]
    if y1 <= y0:
        return None
    up = grid.up0 - row_step * (np.arange(y0, y1) + 0.5)
    left = grid.left0 - grid.step * (np.arange(x0, x1) + 0.5)
    with np.errstate(divide="ignore"):
        reach = np.where(up < -1e-6, board.base / up, np.inf)[:, None]
    off = ((reach - board.ahead) ** 2 + (reach * left - board.left) ** 2) / radius**2
    dark = _SHADOW_DARKNESS * np.exp(-np.minimum(off, 30.0))
    if depth is not None:
        # Closer objects cover the ground, which may also be the top of a table.
        length = np.sqrt(1 + left[None, :] ** 2 + up[:, None] ** 2)
        dark = dark * (depth[y0:y1, x0:x1] > reach * length - 0.05)
    keep = 255 * (1 - dark)
    return Patch(x0, y0, np.zeros((*keep.shape, 3), dtype=np.uint8), np.rint(keep).astype(np.uint8)[..., None])


def _window(board: Billboard, camera: Camera) -> tuple[int, int, int, int] | None:
    """(x0, y0, x1, y1): the pixels that a billboard may cover; None if there are none."""
    rho = board.distance
    if rho < NEAR:
        return None
    cos, sin = board.ahead / rho, board.left / rho
    half = board.width / 2
    # A point s metres left of the centre is (ahead - s sin) ahead of the camera: clip points behind the near plane.
    sides = [-half, half]
    if abs(sin) > 1e-9:
        limit = (board.ahead - NEAR) / sin
        sides = [min(side, limit) if sin > 0 else max(side, limit) for side in sides]
    if sides[1] - sides[0] < 1e-6 or board.ahead - sides[0] * sin < NEAR / 2:
        return None
    grid = _Grid.of(camera)
    row_step = grid.row_step
    ahead = np.array([board.ahead - side * sin for side in sides])
    left = np.array([board.left + side * cos for side in sides]) / ahead
    columns = (grid.left0 - left) / grid.step
    heights = np.array([board.base, board.base + board.height])[:, None] / ahead[None, :]
    rows = (grid.up0 - heights) / row_step
    x0, x1 = max(int(np.floor(columns.min())), 0), min(int(np.ceil(columns.max())), camera.width)
    y0, y1 = max(int(np.floor(rows.min())), 0), min(int(np.ceil(rows.max())), camera.height)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _reach(board: Billboard, camera: Camera, window: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """(h, w) metres from the camera to the billboard at each pixel."""
    x0, y0, x1, y1 = window
    grid = _Grid.of(camera)
    row_step = grid.row_step
    rho = board.distance
    left = grid.left0 - grid.step * (np.arange(x0, x1, dtype=np.float32) + 0.5)
    up = grid.up0 - row_step * (np.arange(y0, y1, dtype=np.float32) + 0.5)
    ahead = rho / (board.ahead / rho + left * board.left / rho)
    length = np.sqrt(1 + left[None, :] ** 2 + up[:, None] ** 2)
    return np.asarray(ahead[None, :] * length, dtype=np.float32)
