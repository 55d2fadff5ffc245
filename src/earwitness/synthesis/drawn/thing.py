"""What a drawn thing is, and the colours that things share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from earwitness.synthesis.drawn.clay import Clay
from earwitness.synthesis.drawn.painter import Colour

Stance = Literal["person", "floor", "table"]
Sculpt = Callable[[Clay, "Coat", int], None]

REST: Final = -1
"""The phase of a thing that is silent."""

INK: Final[Colour] = (38, 38, 42)
CREAM: Final[Colour] = (236, 232, 222)
BRASS: Final[Colour] = (206, 164, 78)
WHITE: Final[Colour] = (240, 239, 234)
OAK: Final[Colour] = (190, 146, 96)
WALNUT: Final[Colour] = (116, 78, 52)
PINE: Final[Colour] = (214, 178, 128)


@dataclass(frozen=True, slots=True)
class Coat:
    """Colours of a thing.

    Attributes:
        main, second: of its body.
        metal: of its metal parts.
    """

    main: Colour
    second: Colour
    metal: Colour = (190, 192, 196)


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of thing that can be drawn.

    Attributes:
        kind: slug of the class of its sound.
        name: what it is.
        width, height: metres of its picture.
        sound: height of the place that sounds.
        stance: whether it stands on the floor or on something.
        rate: phases a second while it sounds.
        phases: number of phases while it sounds.
        sculpt: draws it.
        coats: colours that it comes in.
    """

    kind: str
    name: str
    width: float
    height: float
    sound: float
    stance: Stance
    rate: float
    phases: int
    sculpt: Sculpt
    coats: tuple[Coat, ...]
