"""Textures of the surfaces of a room: floors, ceilings, and walls with fittings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image

from earwitness.scenes.pictures.interior.room_style import FITTINGS, RoomStyle
from earwitness.scenes.pictures.painter import Colour, Painter, blend, colour, mottled, shade

Opening = tuple[float, float, float]
"""(start, end, height) in metres from the left, seen from inside: furniture in front of it must not be taller."""

_SKIRTING: Final = 0.09


def wall(
    style: RoomStyle,
    index: int,
    width: float,
    height: float,
    scale: float,
    hung: Counter[str],
    rng: np.random.Generator,
) -> tuple[Image.Image, list[Opening]]:
    """Draw a wall, seen from inside.

    Args:
        style: style of the room.
        index: 0 ahead, 1 behind, 2 left, 3 right.
        width, height: metres.
        scale: pixels per metre.
        hung: number of fittings of each name in the room; updated.
        rng: random generator.

    Returns:
        The wall, and the parts that furniture must not cover.
    """
    base = style.accent if index == style.accent_wall else style.wall
    painter = Painter(width, height, scale, base)
    _PAPERS[style.wallpaper](painter, base, style, rng)
    painter.box(0, 0, width, _SKIRTING, style.trim)
    painter.box(0, _SKIRTING, width, _SKIRTING + 0.012, shade(style.trim, 0.8))
    painter.box(0, height - 0.06, width, height, shade(style.trim, 0.98))
    painter.box(0, height - 0.07, width, height - 0.06, shade(base, 0.85))
    openings = _hang_fittings(painter, style, hung, rng)
    return mottled(painter.finish(), rng, 0.012, 0.008, 0.4 * scale), openings


def floor(style: RoomStyle, length: float, width: float, scale: float, rng: np.random.Generator) -> Image.Image:
    """Draw the floor, seen from above."""
    painter = Painter(length, width, scale, style.floor_colour)
    _FLOORS[style.floor](painter, style.floor_colour, rng)
    if min(length, width) > 2.5 and rng.random() < 0.3 + 0.5 * style.furnished:
        _rug(painter, style, rng)
    grain = {"carpet": 0.06, "concrete": 0.03}.get(style.floor, 0.018)
    return mottled(painter.finish(), rng, 0.03, grain, 0.6 * scale)


def ceiling(
    style: RoomStyle,
    length: float,
    width: float,
    lamps: list[tuple[float, float]],
    scale: float,
    rng: np.random.Generator,
) -> Image.Image:
    """Draw the ceiling in floor coordinates, with lamps at the given positions."""
    painter = Painter(length, width, scale, style.ceiling)
    if style.panels:
        for x in np.arange(0.6, length, 0.6):
            painter.box(float(x) - 0.008, 0, float(x) + 0.008, width, shade(style.ceiling, 0.86))
        for y in np.arange(0.6, width, 0.6):
            painter.box(0, float(y) - 0.008, length, float(y) + 0.008, shade(style.ceiling, 0.86))
    elif rng.random() < 0.25:
        for x in np.arange(0.5, length, 0.9):
            painter.shadow(float(x), 0, float(x) + 0.16, width, 0.05, 0.3)
            painter.box(float(x), 0, float(x) + 0.14, width, style.wood)
    glow = blend((255, 255, 255), (255, 226, 170), style.warmth)
    for x, y in lamps:
        if style.panels:
            painter.box(x - 0.29, y - 0.29, x + 0.29, y + 0.29, glow)
        else:
            painter.ellipse(x, y, 0.26, 0.26, shade(style.trim, 0.8))
            painter.ellipse(x, y, 0.22, 0.22, glow)
    return mottled(painter.finish(), rng, 0.01, 0.006, 0.5 * scale)


def _hang_fittings(painter: Painter, style: RoomStyle, hung: Counter[str], rng: np.random.Generator) -> list[Opening]:
    """Add random fittings to a wall from left to right."""
    openings: list[Opening] = []
    x = float(rng.uniform(0.25, 0.8))
    for _ in range(40):
        fitting = FITTINGS[int(rng.integers(len(FITTINGS)))]
        width = float(rng.uniform(*fitting.width))
        if x + width > painter.width - 0.25:
            break
        if painter.height < fitting.min_height or hung[fitting.name] >= fitting.limit:
            continue
        fitting.paint(painter, style, x, width, rng)
        openings.append((x, x + width, fitting.low))
        hung[fitting.name] += 1
        x += width + float(rng.uniform(0.2, 0.5 + 1.3 * (1 - style.furnished)))
    return openings


def _plain(painter: Painter, base: Colour, style: RoomStyle, rng: np.random.Generator) -> None:
    painter.gradient(0, 0, painter.width, painter.height, shade(base, 0.97), base)


def _stripes(painter: Painter, base: Colour, style: RoomStyle, rng: np.random.Generator) -> None:
    pitch = float(rng.uniform(0.08, 0.3))
    other = blend(base, shade(base, 0.86), float(rng.uniform(0.4, 1)))
    for x in np.arange(0, painter.width, pitch):
        painter.box(float(x), 0, float(x) + pitch / 2, painter.height, other)


def _panels(painter: Painter, base: Colour, style: RoomStyle, rng: np.random.Generator) -> None:
    pitch = float(rng.uniform(0.7, 1.2))
    for x in np.arange(0.12, painter.width - 0.3, pitch):
        for low, high in ((0.2, 0.85), (1.0, painter.height - 0.25)):
            box = (float(x), low, min(float(x) + pitch - 0.12, painter.width - 0.1), high)
            painter.box(*box, None, outline=(shade(base, 0.84), 0.02))
            painter.box(
                box[0] + 0.01, box[1] - 0.008, box[2] + 0.01, box[3] - 0.008, None, outline=(shade(base, 1.06), 0.01)
            )


def _bricks(painter: Painter, base: Colour, style: RoomStyle, rng: np.random.Generator) -> None:
    painted = style.panels
    brick = base if painted else colour(float(rng.uniform(10, 22)), 0.45, 0.62)
    mortar = shade(brick, 0.82) if painted else (190, 182, 172)
    painter.box(0, 0, painter.width, painter.height, mortar)
    for row, y in enumerate(np.arange(0, painter.height, 0.085)):
        for x in np.arange(-0.12 * (row % 2), painter.width, 0.24):
            fill = shade(brick, float(rng.uniform(0.95, 1.04) if painted else rng.uniform(0.78, 1.12)))
            painter.box(float(x), float(y), float(x) + 0.228, float(y) + 0.073, fill)


def _wainscot(painter: Painter, base: Colour, style: RoomStyle, rng: np.random.Generator) -> None:
    rail = float(rng.uniform(0.85, 1.15))
    lower = style.trim if rng.random() < 0.5 else style.wood
    painter.box(0, 0, painter.width, rail, lower)
    for x in np.arange(0, painter.width, 0.12):
        painter.box(float(x), 0, float(x) + 0.008, rail, shade(lower, 0.85))
    painter.box(0, rail, painter.width, rail + 0.04, shade(lower, 1.05))
    painter.box(0, rail - 0.012, painter.width, rail, shade(lower, 0.78))


def _planks(painter: Painter, base: Colour, rng: np.random.Generator) -> None:
    breadth = float(rng.uniform(0.1, 0.2))
    for y in np.arange(0, painter.height, breadth):
        x = -float(rng.uniform(0, 1.5))
        while x < painter.width:
            length = float(rng.uniform(0.9, 2.0))
            plank = shade(base, float(rng.uniform(0.86, 1.1)))
            painter.box(x, float(y), x + length, float(y) + breadth, plank)
            for _ in range(3):
                grain = float(y) + float(rng.uniform(0.1, 0.9)) * breadth
                painter.box(x + 0.02, grain, x + length - 0.02, grain + 0.005, shade(plank, 0.94))
            painter.box(x, float(y), x + 0.006, float(y) + breadth, shade(plank, 0.65))
            x += length
        painter.box(0, float(y), painter.width, float(y) + 0.006, shade(base, 0.66))


def _herringbone(painter: Painter, base: Colour, rng: np.random.Generator) -> None:
    # Blocks with an aspect ratio of 4:1, laid at right angles and parallel to the walls.
    breadth = float(rng.uniform(0.09, 0.13))
    block = 4 * breadth
    for row in range(-4, int(painter.height / breadth) + 5):
        for column in range(-1, int(painter.width / (2 * block)) + 2):
            x, y = column * 2 * block + (row * breadth) % (2 * block), row * breadth
            painter.box(
                x,
                y,
                x + block,
                y + breadth,
                shade(base, float(rng.uniform(0.86, 1.1))),
                outline=(shade(base, 0.68), 0.004),
            )
            painter.box(
                x + block,
                y,
                x + block + breadth,
                y + block,
                shade(base, float(rng.uniform(0.86, 1.1))),
                outline=(shade(base, 0.68), 0.004),
            )


def _tiles(painter: Painter, base: Colour, rng: np.random.Generator) -> None:
    side = float(rng.choice([0.2, 0.3, 0.45, 0.6]))
    other = shade(base, float(rng.choice([1.0, 1.0, 0.6])))
    painter.box(0, 0, painter.width, painter.height, shade(base, 0.72))
    for row, y in enumerate(np.arange(0, painter.height, side)):
        for column, x in enumerate(np.arange(0, painter.width, side)):
            tone = shade(other if (row + column) % 2 else base, float(rng.uniform(0.95, 1.03)))
            painter.box(float(x), float(y), float(x) + side - 0.008, float(y) + side - 0.008, tone)


def _flat(painter: Painter, base: Colour, rng: np.random.Generator) -> None:
    painter.box(0, 0, painter.width, painter.height, base)


def _rug(painter: Painter, style: RoomStyle, rng: np.random.Generator) -> None:
    width, depth = (float(rng.uniform(0.35, 0.6)) * side for side in (painter.width, painter.height))
    x = float(rng.uniform(0.2, 0.8)) * (painter.width - width)
    y = float(rng.uniform(0.2, 0.8)) * (painter.height - depth)
    main = style.fabric
    painter.shadow(x, y, x + width, y + depth, 0.03, 0.35)
    bands = [main, shade(main, 0.7), blend(main, (235, 225, 205), 0.6), shade(main, 0.85), shade(main, 1.1)]
    for number, band in enumerate(bands):
        inset = number * float(0.055 + 0.02 * min(width, depth))
        if 2 * inset < min(width, depth):
            painter.box(x + inset, y + inset, x + width - inset, y + depth - inset, band, radius=0.02)


_PAPERS: Final[dict[str, Callable[[Painter, Colour, RoomStyle, np.random.Generator], None]]] = {
    "plain": _plain,
    "stripes": _stripes,
    "panels": _panels,
    "bricks": _bricks,
    "wainscot": _wainscot,
}
_FLOORS: Final[dict[str, Callable[[Painter, Colour, np.random.Generator], None]]] = {
    "planks": _planks,
    "herringbone": _herringbone,
    "tiles": _tiles,
    "carpet": _flat,
    "concrete": _flat,
}
