"""All things that can be drawn."""

from __future__ import annotations

from typing import Final

from earwitness.scenes.pictures.things.appliances import APPLIANCES
from earwitness.scenes.pictures.things.bells import BELLS
from earwitness.scenes.pictures.things.doors import DOORS
from earwitness.scenes.pictures.things.instruments import INSTRUMENTS
from earwitness.scenes.pictures.things.phones import TELEPHONES
from earwitness.scenes.pictures.things.players import PLAYERS
from earwitness.scenes.pictures.things.taps import TAPS
from earwitness.scenes.pictures.things.thing import Thing

THINGS: Final[tuple[Thing, ...]] = (
    *TELEPHONES,
    *APPLIANCES,
    *PLAYERS,
    *INSTRUMENTS,
    *TAPS,
    *BELLS,
    *DOORS,
)
