"""The catalogue of all drawn objects."""

from __future__ import annotations

from typing import Final

from earwitness.scenes.pictures.objects.appliances import APPLIANCES
from earwitness.scenes.pictures.objects.bells import BELLS
from earwitness.scenes.pictures.objects.doors import DOORS
from earwitness.scenes.pictures.objects.drawn_object import DrawnObject
from earwitness.scenes.pictures.objects.instruments import INSTRUMENTS
from earwitness.scenes.pictures.objects.phones import TELEPHONES
from earwitness.scenes.pictures.objects.players import PLAYERS
from earwitness.scenes.pictures.objects.taps import TAPS

OBJECTS: Final[tuple[DrawnObject, ...]] = (
    *TELEPHONES,
    *APPLIANCES,
    *PLAYERS,
    *INSTRUMENTS,
    *TAPS,
    *BELLS,
    *DOORS,
)
