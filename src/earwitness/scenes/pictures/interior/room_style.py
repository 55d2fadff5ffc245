"""Styles of rooms: random combinations of matching colours and materials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earwitness.scenes.pictures.painter import Colour, blend, colour, pick, shade

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
