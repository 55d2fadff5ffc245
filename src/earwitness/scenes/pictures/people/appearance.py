"""Random appearances of people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earwitness.scenes.pictures.painter import Colour, pick

_SKINS: Final[tuple[Colour, ...]] = (
    (245, 208, 178),
    (232, 184, 148),
    (205, 152, 112),
    (166, 112, 76),
    (124, 80, 54),
    (92, 60, 42),
    (240, 196, 168),
)
_HAIRS: Final[tuple[Colour, ...]] = (
    (38, 30, 28),
    (70, 46, 32),
    (110, 72, 42),
    (176, 130, 70),
    (146, 70, 38),
    (150, 148, 146),
    (24, 22, 26),
)
_CLOTHES: Final[tuple[Colour, ...]] = (
    (196, 68, 62),
    (48, 92, 142),
    (62, 124, 96),
    (226, 178, 74),
    (92, 72, 128),
    (60, 66, 78),
    (232, 230, 224),
    (208, 118, 86),
    (112, 160, 178),
    (142, 52, 84),
    (38, 62, 66),
    (214, 152, 166),
)
_LEGS: Final[tuple[Colour, ...]] = ((52, 66, 98), (44, 44, 50), (120, 104, 84), (84, 88, 94), (70, 52, 44))


@dataclass(frozen=True, slots=True)
class Appearance:
    """The appearance of a person.

    Attributes:
        woman: whether body shape and clothes are a woman's.
        skin, hair, top, bottom, shoes: colours.
        hairstyle: 0 to 4.
        garment: 0 plain, 1 striped, 2 jacket over shirt, 3 with collar and buttons.
        skirt: a skirt or dress instead of trousers.
        beard, glasses: whether the person has them.
        girth: body width relative to the average.
    """

    woman: bool
    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    hairstyle: int
    garment: int
    skirt: bool
    beard: bool
    glasses: bool
    girth: float

    @classmethod
    def draw(cls, woman: bool, rng: np.random.Generator) -> Appearance:
        """A random person."""
        return cls(
            woman=woman,
            skin=pick(rng, _SKINS),
            hair=pick(rng, _HAIRS),
            top=pick(rng, _CLOTHES),
            bottom=pick(rng, _LEGS),
            shoes=pick(rng, ((40, 36, 36), (120, 80, 54), (228, 226, 222), (150, 50, 48))),
            hairstyle=int(rng.integers(5)),
            garment=int(rng.integers(4)),
            skirt=woman and bool(rng.random() < 0.45),
            beard=not woman and bool(rng.random() < 0.4),
            glasses=bool(rng.random() < 0.25),
            girth=float(rng.uniform(0.92, 1.14)),
        )
