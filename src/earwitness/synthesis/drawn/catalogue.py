"""All things that can be drawn."""

from __future__ import annotations

from typing import Final

from earwitness.synthesis.drawn.appliances import APPLIANCES
from earwitness.synthesis.drawn.bells import BELLS
from earwitness.synthesis.drawn.doors import DOORS
from earwitness.synthesis.drawn.instruments import INSTRUMENTS
from earwitness.synthesis.drawn.phones import TELEPHONES
from earwitness.synthesis.drawn.players import PLAYERS
from earwitness.synthesis.drawn.taps import TAPS
from earwitness.synthesis.drawn.thing import Thing

THINGS: Final[tuple[Thing, ...]] = (
    *TELEPHONES,
    *APPLIANCES,
    *PLAYERS,
    *INSTRUMENTS,
    *TAPS,
    *BELLS,
    *DOORS,
)
