"""Furniture made of boxes: cupboards, bookcases, sofas, tables, and stands for sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from earwitness.scenes.pictures.interior.room_style import RoomStyle, books
from earwitness.scenes.pictures.interior.surfaces import Opening
from earwitness.scenes.pictures.painter import Colour, Painter, colour, mottled, shade

Point = tuple[float, float, float]
_SKIN_SCALE: Final = 110.0


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """An axis-aligned box.

    Attributes:
        low, high: opposite corners, metres in room coordinates.
        colour: colour of its faces.
        front: face with its own texture: 0 +x, 1 -x, 2 +y, 3 -y.
        skin: the texture of this face, if any.
    """

    low: Point
    high: Point
    colour: Colour
    front: int = 0
    skin: Image.Image | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Furniture:
    """A piece of furniture.

    Attributes:
        boxes: its parts.
        footprint: (x0, y0, x1, y1) on the floor, metres in room coordinates.
        shadow: darkness of the floor under it, 0 to 1.
    """

    boxes: tuple[Box, ...]
    footprint: tuple[float, float, float, float]
    shadow: float


@dataclass(frozen=True, slots=True)
class _Part:
    """A box of furniture at a wall: metres along the wall (a), from the wall (b) and up (c)."""

    a: tuple[float, float]
    b: tuple[float, float]
    c: tuple[float, float]
    colour: Colour
    skin: Image.Image | None = None


def furnish(
    style: RoomStyle,
    size: Point,
    openings: list[list[Opening]],
    keep_clear: Callable[[tuple[float, float, float, float]], bool],
    rng: np.random.Generator,
) -> list[Furniture]:
    """Place random furniture along the walls.

    Args:
        style: style of the room.
        size: size of the room.
        openings: openings of each wall: doors are kept free, and tall furniture does not cover windows.
        keep_clear: whether a footprint must be kept free.
        rng: random generator.
    """
    placed: list[Furniture] = []
    for _ in range(round(30 * style.furnished)):
        breadth, depth, parts = _PIECES[int(rng.integers(len(_PIECES)))](style, rng)
        side = int(rng.integers(4))
        along = size[1] if side < 2 else size[0]
        if breadth > along - 0.2 or depth > 0.3 * (size[0] if side < 2 else size[1]):
            continue
        start = float(rng.uniform(0.1, along - breadth - 0.1))
        seen_from_left = start if side in (1, 2) else along - start - breadth
        top = max(part.c[1] for part in parts if part.b[0] < 0.3)
        if any(
            low < top and left < seen_from_left + breadth and seen_from_left < right
            for left, right, low in openings[side]
        ):
            continue
        piece = _against_wall(parts, side, start, breadth, depth, size)
        if not keep_clear(piece.footprint) and not any(_overlap(piece.footprint, p.footprint) for p in placed):
            placed.append(piece)
    return placed


def stand(style: RoomStyle, x: float, y: float, height: float, breadth: float) -> Furniture:
    """A stand with its top at `height` metres: a stool, a table or a plinth."""
    half = breadth / 2
    wood = style.wood
    top = Box((x - half, y - half, height - 0.035), (x + half, y + half, height), shade(wood, 1.05))
    if height < 0.95:
        leg = 0.045
        boxes = [top]
        for sx in (-1, 1):
            for sy in (-1, 1):
                cx, cy = x + sx * (half - leg), y + sy * (half - leg)
                boxes.append(Box((cx - leg / 2, cy - leg / 2, 0), (cx + leg / 2, cy + leg / 2, height - 0.035), wood))
        return Furniture(tuple(boxes), (x - half, y - half, x + half, y + half), 0.3)
    inner = half * 0.86
    body = Box((x - inner, y - inner, 0), (x + inner, y + inner, height - 0.035), wood)
    return Furniture((top, body), (x - inner, y - inner, x + inner, y + inner), 0.45)


def _against_wall(parts: list[_Part], side: int, start: float, breadth: float, depth: float, size: Point) -> Furniture:
    boxes = []
    for part in parts:
        (x0, x1), (y0, y1) = _to_room(side, start, part.a, part.b, size)
        front = (1, 0, 3, 2)[side]
        boxes.append(Box((x0, y0, part.c[0]), (x1, y1, part.c[1]), part.colour, front, part.skin))
    (x0, x1), (y0, y1) = _to_room(side, start, (0, breadth), (0, depth), size)
    return Furniture(tuple(boxes), (x0, y0, x1, y1), 0.45)


def _to_room(
    side: int, start: float, a: tuple[float, float], b: tuple[float, float], size: Point
) -> tuple[tuple[float, float], tuple[float, float]]:
    along = (start + a[0], start + a[1])
    if side == 0:
        return (size[0] - b[1], size[0] - b[0]), along
    if side == 1:
        return (b[0], b[1]), along
    if side == 2:
        return along, (size[1] - b[1], size[1] - b[0])
    return along, (b[0], b[1])


def _overlap(first: tuple[float, float, float, float], second: tuple[float, float, float, float]) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _cupboard(style: RoomStyle, rng: np.random.Generator) -> tuple[float, float, list[_Part]]:
    breadth, height, depth = (float(rng.uniform(*span)) for span in ((0.8, 1.9), (0.55, 1.1), (0.38, 0.5)))
    body = style.wood if rng.random() < 0.6 else style.trim
    front = Painter(breadth, height, _SKIN_SCALE, body)
    doors = max(1, round(breadth / 0.5))
    for number in range(doors):
        left = number * breadth / doors
        rows = 3 if rng.random() < 0.4 else 1
        for row in range(rows):
            low, high = 0.06 + row * (height - 0.08) / rows, 0.06 + (row + 1) * (height - 0.08) / rows
            front.box(
                left + 0.012,
                low,
                left + breadth / doors - 0.012,
                high - 0.014,
                shade(body, 1.05),
                outline=(shade(body, 0.62), 0.006),
            )
            front.ellipse(left + breadth / doors / 2, (low + high) / 2, 0.015, 0.015, (70, 66, 62))
    front.box(0, 0, breadth, 0.05, shade(body, 0.55))
    skin = mottled(front.finish(), rng, 0.02, 0.008, 30)
    top = _Part((-0.02, breadth + 0.02), (0, depth + 0.02), (height, height + 0.03), shade(body, 1.1))
    parts = [_Part((0, breadth), (0, depth), (0, height), shade(body, 0.95), skin), top]
    if rng.random() < 0.7:
        parts.extend(_ornaments(breadth, depth, height + 0.03, rng))
    return breadth, depth, parts


def _ornaments(breadth: float, depth: float, height: float, rng: np.random.Generator) -> list[_Part]:
    """Small objects on top of furniture."""
    parts = []
    for a in np.arange(0.1, breadth - 0.3, 0.4):
        if rng.random() < 0.55:
            wide, tall = float(rng.uniform(0.08, 0.25)), float(rng.uniform(0.05, 0.28))
            tone = colour(float(rng.uniform(0, 360)), float(rng.uniform(0.05, 0.4)), float(rng.uniform(0.35, 0.85)))
            parts.append(_Part((float(a), float(a) + wide), (0.3 * depth, 0.7 * depth), (height, height + tall), tone))
    return parts


def _bookcase(style: RoomStyle, rng: np.random.Generator) -> tuple[float, float, list[_Part]]:
    breadth, height, depth = (float(rng.uniform(*span)) for span in ((0.7, 1.6), (1.3, 2.0), (0.28, 0.36)))
    front = Painter(breadth, height, _SKIN_SCALE, shade(style.wood, 0.42))
    boards = round(height / 0.34)
    step = (height - 0.1) / boards
    for board in range(boards):
        low = 0.08 + board * step
        books(front, 0.04, low, breadth - 0.08, step - 0.06, rng)
        front.box(0, low - 0.025, breadth, low, style.wood)
    front.box(0, height - 0.03, breadth, height, style.wood)
    for edge in (0.0, breadth - 0.03):
        front.box(edge, 0, edge + 0.03, height, shade(style.wood, 0.97))
    return breadth, depth, [_Part((0, breadth), (0, depth), (0, height), style.wood, front.finish())]


def _sofa(style: RoomStyle, rng: np.random.Generator) -> tuple[float, float, list[_Part]]:
    breadth, depth = float(rng.choice([0.95, 1.6, 2.1])), 0.85
    cloth = style.fabric
    seats = max(1, round((breadth - 0.3) / 0.62))
    front = Painter(breadth - 0.36, 0.18, _SKIN_SCALE, shade(cloth, 1.05))
    back = Painter(breadth - 0.36, 0.4, _SKIN_SCALE, shade(cloth, 1.0))
    for number in range(1, seats):
        x = number * (breadth - 0.36) / seats
        front.box(x - 0.006, 0, x + 0.006, 0.18, shade(cloth, 0.6))
        back.box(x - 0.006, 0, x + 0.006, 0.4, shade(cloth, 0.6))
    return (
        breadth,
        depth,
        [
            _Part((0.04, breadth - 0.04), (0.05, depth - 0.04), (0.06, 0.26), shade(cloth, 0.8)),
            _Part(
                (0.18, breadth - 0.18),
                (0.2, depth),
                (0.26, 0.44),
                shade(cloth, 1.08),
                mottled(front.finish(), rng, 0.03, 0.02, 9),
            ),
            _Part(
                (0.18, breadth - 0.18),
                (0.02, 0.26),
                (0.44, 0.84),
                shade(cloth, 1.05),
                mottled(back.finish(), rng, 0.03, 0.02, 9),
            ),
            _Part((0, 0.18), (0.02, depth), (0.06, 0.62), cloth),
            _Part((breadth - 0.18, breadth), (0.02, depth), (0.06, 0.62), cloth),
        ],
    )


def _table(style: RoomStyle, rng: np.random.Generator) -> tuple[float, float, list[_Part]]:
    breadth, depth, height = (float(rng.uniform(*span)) for span in ((0.9, 1.7), (0.5, 0.8), (0.45, 0.76)))
    leg = 0.05
    parts = [_Part((0, breadth), (0.05, depth), (height - 0.035, height), shade(style.wood, 1.06))]
    for a in (0.03, breadth - 0.03 - leg):
        for b in (0.08, depth - 0.03 - leg):
            parts.append(_Part((a, a + leg), (b, b + leg), (0, height - 0.035), shade(style.wood, 0.85)))
    return breadth, depth, [*parts, *_ornaments(breadth, depth, height, rng)]


_PIECES: Final = (_cupboard, _cupboard, _bookcase, _sofa, _table)
