"""Styles of rooms: random combinations of matching colours and materials, and fittings of walls to match."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from earwitness.scenes.pictures.painter import Colour, Painter, blend, colour, pick, shade

WALLPAPERS: Final = ("plain", "plain", "plain", "stripes", "panels", "bricks", "wainscot")
FLOORS: Final = ("planks", "planks", "herringbone", "tiles", "carpet", "concrete")
_WALLS: Final[tuple[Colour, ...]] = (
    (236, 231, 220), (228, 229, 226), (216, 222, 208), (205, 217, 224), (232, 219, 196), (222, 205, 190),
    (199, 205, 204), (227, 214, 216), (240, 228, 200), (190, 200, 186), (208, 202, 214),
)  # fmt: skip
_ACCENTS: Final[tuple[Colour, ...]] = (
    (62, 88, 104), (96, 116, 92), (150, 88, 70), (58, 68, 84), (176, 146, 96), (122, 92, 110), (84, 122, 122),
)  # fmt: skip
_WOODS: Final[tuple[Colour, ...]] = (
    (172, 128, 84), (140, 98, 62), (196, 160, 116), (110, 76, 50), (206, 182, 148), (92, 70, 56),
)  # fmt: skip
_CARPETS: Final[tuple[Colour, ...]] = ((150, 146, 140), (118, 124, 132), (170, 150, 128), (104, 116, 104))
_TILES: Final[tuple[Colour, ...]] = ((214, 208, 198), (188, 190, 190), (168, 152, 136), (120, 124, 128))


@dataclass(frozen=True, slots=True)
class RoomStyle:
    """The style of a room.

    Attributes:
        wall, accent: colours of the walls and of the accent wall.
        accent_wall: index of the accent wall; 4 for none.
        wallpaper: one of WALLPAPERS.
        floor: one of FLOORS.
        floor_colour, ceiling, trim, wood, fabric: colours.
        warmth: tint of the lamps, 0 (neutral) to 1 (warm).
        daylight: brightness outside, 0 (night) to 1.
        exposure: brightness of the picture.
        lamps: number of ceiling lamps.
        panels: whether the lamps are office panels instead of globes.
        furnished: density of furniture, 0 to 1.
    """

    wall: Colour
    accent: Colour
    accent_wall: int
    wallpaper: str
    floor: str
    floor_colour: Colour
    ceiling: Colour
    trim: Colour
    wood: Colour
    fabric: Colour
    warmth: float
    daylight: float
    exposure: float
    lamps: int
    panels: bool
    furnished: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> RoomStyle:
        """A random style."""
        floor = FLOORS[int(rng.integers(len(FLOORS)))]
        floor_colours = {"carpet": _CARPETS, "tiles": _TILES, "concrete": _TILES}.get(floor, _WOODS)
        wall = pick(rng, _WALLS)
        return cls(
            wall=wall,
            accent=pick(rng, _ACCENTS),
            accent_wall=int(rng.integers(5)),
            wallpaper=WALLPAPERS[int(rng.integers(len(WALLPAPERS)))],
            floor=floor,
            floor_colour=pick(rng, floor_colours),
            ceiling=blend((246, 245, 242), wall, float(rng.uniform(0, 0.35))),
            trim=(240, 239, 235) if rng.random() < 0.7 else shade(pick(rng, _WOODS), 0.9),
            wood=pick(rng, _WOODS),
            fabric=colour(float(rng.uniform(0, 360)), float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.35, 0.75))),
            warmth=float(rng.uniform(0.1, 0.8)),
            daylight=float(rng.choice([0.12, 0.75, 0.9, 1.0])),
            exposure=float(rng.uniform(0.86, 1.1)),
            lamps=int(rng.integers(1, 4)),
            panels=bool(rng.random() < 0.3),
            furnished=float(rng.uniform(0.3, 1.0)),
        )


Paint = Callable[[Painter, RoomStyle, float, float, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class Fitting:
    """A fitting of a wall.

    Attributes:
        name: name of the fitting.
        width: range of its width in metres.
        min_height: minimum height of the wall in metres.
        low: height of its lower edge; furniture in front of it must be lower.
        limit: maximum number of fittings of this name in a room.
        paint: paints it onto a wall at x with a width.
    """

    name: str
    width: tuple[float, float]
    min_height: float
    low: float
    limit: int
    paint: Paint


def _window(painter: Painter, style: RoomStyle, x: float, width: float, rng: np.random.Generator) -> None:
    sill, top = float(rng.uniform(0.75, 1.0)), min(painter.height - 0.25, float(rng.uniform(2.05, 2.4)))
    painter.shadow(x, sill, x + width, top, 0.05, 0.35)
    painter.box(x, sill, x + width, top, style.trim)
    panes = max(1, round(width / 0.7))
    scenery = _outdoors(style.daylight, rng)
    pane = (width - 0.06) / panes
    inner = (x + 0.06, sill + 0.06, x + width - 0.06, top - 0.06)
    painter.paste(scenery, *inner)
    for number in range(1, panes):
        middle = x + 0.03 + number * pane
        painter.box(middle - 0.03, sill, middle + 0.03, top, style.trim)
        painter.box(middle + 0.03, sill + 0.06, middle + 0.038, top - 0.06, shade(style.trim, 0.7))
    if rng.random() < 0.4:
        bar = sill + 0.72 * (top - sill)
        painter.box(x + 0.06, bar - 0.015, x + width - 0.06, bar + 0.015, style.trim)
    painter.box(x - 0.06, sill - 0.05, x + width + 0.06, sill, shade(style.trim, 1.03))
    painter.box(x - 0.06, sill - 0.062, x + width + 0.06, sill - 0.05, shade(style.trim, 0.6))
    if rng.random() < 0.5:
        _curtains(painter, style.fabric, x, width, top, rng)
    elif rng.random() < 0.5:
        _radiator(painter, style, x + 0.1, width - 0.2, rng)


def _curtains(painter: Painter, cloth: Colour, x: float, width: float, top: float, rng: np.random.Generator) -> None:
    bottom = float(rng.choice([0.05, 0.7]))
    breadth = 0.2 * width + 0.1
    for left in (x - 0.12, x + width + 0.12 - breadth):
        painter.shadow(left, bottom, left + breadth, top + 0.1, 0.04, 0.3)
        folds = max(4, round(breadth / 0.07))
        for fold in range(folds):
            tone = shade(cloth, 0.8 + 0.28 * abs(np.sin(fold * 1.9 + x)))
            step = breadth / folds
            painter.gradient(left + fold * step, bottom, left + (fold + 1) * step, top + 0.1, shade(tone, 0.85), tone)
    painter.box(x - 0.2, top + 0.09, x + width + 0.2, top + 0.12, (90, 80, 72), radius=0.015)


def _outdoors(daylight: float, rng: np.random.Generator) -> Image.Image:
    """The view from a window: sky, hills, trees or houses, out of focus."""
    scene = Painter(2.0, 2.0, 64, (0, 0, 0))
    if daylight < 0.3:
        scene.gradient(0, 0, 2, 2, (34, 40, 66), (12, 16, 34))
        for _ in range(26):
            light = colour(float(rng.uniform(28, 50)), 0.5, float(rng.uniform(0.6, 1.0)))
            lit_x, lit_y = float(rng.uniform(0, 2)), float(rng.uniform(0, 0.9))
            scene.box(lit_x, lit_y, lit_x + 0.05, lit_y + 0.07, light)
    else:
        scene.gradient(
            0, 0.6, 2, 2, blend((236, 240, 244), (255, 236, 205), float(rng.uniform(0, 0.5))), (136, 182, 226)
        )
        for _ in range(3):
            cloud_x, cloud_y = float(rng.uniform(0, 2)), float(rng.uniform(1.2, 1.9))
            scene.ellipse(cloud_x, cloud_y, float(rng.uniform(0.2, 0.5)), 0.06, (246, 248, 250))
        hue = float(rng.uniform(85, 125))
        scene.box(0, 0, 2, 0.75, colour(hue, 0.35, 0.62))
        for _ in range(9):
            trunk, size = float(rng.uniform(0, 2)), float(rng.uniform(0.12, 0.3))
            scene.ellipse(trunk, 0.75 + size * 0.5, size, size, colour(hue + float(rng.uniform(-15, 15)), 0.42, 0.5))
        if rng.random() < 0.5:
            house = float(rng.uniform(0.1, 1.2))
            scene.box(house, 0.4, house + 0.6, 1.05, (222, 208, 190))
            scene.polygon([(house - 0.06, 1.05), (house + 0.3, 1.35), (house + 0.66, 1.05)], (158, 92, 72))
    return scene.finish().filter(ImageFilter.GaussianBlur(1.6))


def _radiator(painter: Painter, style: RoomStyle, x: float, width: float, rng: np.random.Generator) -> None:
    white = (232, 231, 226)
    painter.shadow(x, 0.14, x + width, 0.62, 0.05, 0.3)
    painter.box(x, 0.14, x + width, 0.64, white, radius=0.02)
    for rib in np.arange(x + 0.03, x + width - 0.03, 0.06):
        painter.gradient(float(rib), 0.17, float(rib) + 0.02, 0.6, shade(white, 0.78), shade(white, 0.9))


def _door(painter: Painter, style: RoomStyle, x: float, width: float, rng: np.random.Generator) -> None:
    leaf = style.trim if rng.random() < 0.6 else style.wood
    painter.box(x, 0, x + width, 2.08, shade(style.trim, 0.94))
    painter.box(x + 0.07, 0, x + width - 0.07, 2.01, shade(leaf, 0.9))
    painter.box(x + 0.08, 0.01, x + width - 0.08, 2.0, leaf)
    rows = int(rng.integers(1, 4))
    for row in range(rows):
        low, high = 0.15 + row * 1.75 / rows, 0.15 + (row + 1) * 1.75 / rows - 0.1
        for left, right in ((0.18, 0.48), (0.52, 0.82)) if rng.random() < 0.7 else ((0.18, 0.82),):
            panel = (x + left * width, low, x + right * width, high)
            painter.box(*panel, shade(leaf, 0.95), outline=(shade(leaf, 0.78), 0.012))
    handle = x + (0.13 if rng.random() < 0.5 else 0.8 * width)
    painter.box(handle, 1.0, handle + 0.03, 1.12, (150, 146, 138), radius=0.01)
    painter.box(handle, 1.05, handle + 0.12, 1.075, (176, 172, 164), radius=0.01)


def _picture(painter: Painter, style: RoomStyle, x: float, width: float, rng: np.random.Generator) -> None:
    height = width * float(rng.uniform(0.65, 1.35))
    low = min(max(1.55 - height / 2, 0.9), painter.height - height - 0.2)
    frame = shade(style.wood, 0.8) if rng.random() < 0.5 else (46, 44, 42)
    painter.shadow(x + 0.02, low - 0.03, x + width + 0.02, low + height - 0.03, 0.03, 0.4)
    painter.box(x, low, x + width, low + height, frame)
    painter.box(x + 0.025, low + 0.025, x + width - 0.025, low + height - 0.025, (242, 240, 234))
    rim = 0.025 + 0.12 * width
    painter.paste(_artwork(rng), x + rim, low + rim, x + width - rim, low + height - rim)


def _artwork(rng: np.random.Generator) -> Image.Image:
    """Abstract shapes, a seascape or stripes."""
    hue = float(rng.uniform(0, 360))
    art = Painter(1.0, 1.0, 96, colour(hue, 0.15, 0.93))
    kind = int(rng.integers(3))
    if kind == 0:
        for _ in range(7):
            tone = colour(
                hue + float(rng.uniform(-60, 60)), float(rng.uniform(0.2, 0.7)), float(rng.uniform(0.3, 0.95))
            )
            cx, cy, rx, ry = rng.uniform((0, 0, 0.08, 0.08), (1, 1, 0.35, 0.35)).tolist()
            if rng.random() < 0.5:
                art.ellipse(cx, cy, rx, ry, tone)
            else:
                art.box(cx - rx, cy - ry, cx + rx, cy + ry, tone)
    elif kind == 1:
        art.gradient(0, 0.4, 1, 1, colour(30, 0.3, 0.98), colour(hue, 0.4, 0.8))
        art.ellipse(float(rng.uniform(0.2, 0.8)), 0.55, 0.1, 0.1, colour(40, 0.5, 1.0))
        art.gradient(0, 0, 1, 0.42, colour(hue + 190, 0.6, 0.4), colour(hue + 190, 0.4, 0.75))
    else:
        for y in np.arange(0, 1, 0.125):
            art.box(
                0,
                float(y),
                1,
                float(y) + 0.125,
                colour(hue + float(rng.uniform(-40, 40)), 0.5, float(rng.uniform(0.4, 0.9))),
            )
    return art.finish()


def _shelf(painter: Painter, style: RoomStyle, x: float, width: float, rng: np.random.Generator) -> None:
    for low in (1.25, 1.65) if rng.random() < 0.5 else (1.45,):
        painter.shadow(x, low - 0.14, x + width, low, 0.05, 0.3)
        books(painter, x + 0.03, low, width - 0.06, 0.27, rng)
        painter.box(x, low - 0.03, x + width, low, style.wood)
        painter.box(x, low - 0.036, x + width, low - 0.03, shade(style.wood, 0.6))


def books(painter: Painter, x: float, low: float, width: float, height: float, rng: np.random.Generator) -> None:
    """A row of books with gaps."""
    end = x + width
    while x < end - 0.03:
        if rng.random() < 0.12:
            x += float(rng.uniform(0.04, 0.15))
            continue
        breadth = float(rng.uniform(0.018, 0.045))
        tall = height * float(rng.uniform(0.68, 1.0))
        spine = colour(float(rng.uniform(0, 360)), float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.25, 0.85)))
        painter.box(x, low, min(x + breadth, end), low + tall, spine, outline=(shade(spine, 0.7), 0.003))
        painter.box(
            x + breadth * 0.25, low + tall * 0.7, min(x + breadth * 0.75, end), low + tall * 0.8, shade(spine, 1.5)
        )
        x += breadth + 0.002


def _clock(painter: Painter, style: RoomStyle, x: float, width: float, rng: np.random.Generator) -> None:
    middle, high = x + width / 2, min(2.0, painter.height - 0.4)
    painter.shadow(x, high - width / 2 - 0.02, x + width, high + width / 2 - 0.02, 0.04, 0.3)
    painter.ellipse(middle, high, width / 2, width / 2, (60, 58, 56))
    painter.ellipse(middle, high, width / 2 - 0.02, width / 2 - 0.02, (248, 247, 243))
    for length, turn in ((0.26, float(rng.uniform(0, 6.28))), (0.38, float(rng.uniform(0, 6.28)))):
        tip = (middle + np.sin(turn) * length * width, high + np.cos(turn) * length * width)
        painter.line([(middle, high), tip], (40, 40, 42), 0.014)


FITTINGS: Final[tuple[Fitting, ...]] = (
    Fitting("window", (0.8, 2.4), 2.3, 0.9, 5, _window),
    Fitting("window", (0.8, 1.6), 2.3, 0.9, 5, _window),
    Fitting("door", (0.9, 1.05), 2.2, 0.0, 2, _door),
    Fitting("picture", (0.3, 1.0), 2.0, 1.1, 9, _picture),
    Fitting("picture", (0.25, 0.5), 2.0, 1.3, 9, _picture),
    Fitting("shelf", (0.7, 1.4), 2.2, 1.2, 3, _shelf),
    Fitting("clock", (0.24, 0.38), 2.2, 1.7, 1, _clock),
)
