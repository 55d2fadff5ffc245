"""Kinds of rooms by size, height and reverberation time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from earwitness.scenes.acoustics.rooms import BAND_CENTRES_HZ, REFERENCE_BANDS, Room

Range = tuple[float, float]
MICROPHONE_MARGIN: Final = 0.6
"""Minimum distance in metres from the microphone to a wall, or a third of the width of the room if that is less."""


@dataclass(frozen=True, slots=True)
class RoomKind:
    """Ranges of the rooms of a kind; lengths and RT60 are log-uniform.

    Attributes:
        name: name of the kind.
        share: relative frequency.
        length, width, height: metres.
        rt60: seconds at 500 Hz to 1 kHz.
        tilt: decrease of the logarithm of the RT60 per octave.
    """

    name: str
    share: float
    length: Range
    width: Range
    height: Range
    rt60: Range
    tilt: Range


ROOM_KINDS: Final = (
    RoomKind("room", 0.4, (4.5, 11.0), (4.0, 9.0), (2.4, 3.8), (0.25, 0.9), (-0.05, 0.18)),
    RoomKind("furnished", 0.3, (3.4, 9.0), (3.0, 7.0), (2.3, 3.0), (0.15, 0.45), (0.05, 0.25)),
    RoomKind("corridor", 0.1, (7.0, 22.0), (1.6, 2.6), (2.3, 3.2), (0.4, 1.2), (0.0, 0.15)),
    RoomKind("hall", 0.2, (9.0, 22.0), (7.0, 15.0), (3.5, 7.5), (0.5, 1.2), (0.0, 0.2)),
)


def draw_room_of_kind(rng: np.random.Generator) -> Room:
    """A random room of a random kind; the microphone is at a height of 1 to 1.8 m and not close to a wall."""
    shares = np.array([kind.share for kind in ROOM_KINDS])
    kind = ROOM_KINDS[int(rng.choice(len(ROOM_KINDS), p=shares / shares.sum()))]
    size = tuple(float(np.exp(rng.uniform(*np.log(ends)))) for ends in (kind.length, kind.width, kind.height))
    margins = [min(MICROPHONE_MARGIN, side / 3) for side in size[:2]]
    ahead, left = (float(rng.uniform(margin, side - margin)) for margin, side in zip(margins, size, strict=False))
    bands = np.arange(len(BAND_CENTRES_HZ))
    factors = np.exp(-rng.uniform(*kind.tilt) * (bands - 2.5) + rng.normal(0, 0.07, bands.size))
    factors /= factors[list(REFERENCE_BANDS)].mean()
    microphone = (ahead, left, float(rng.uniform(1.0, 1.8)))
    room = Room((size[0], size[1], size[2]), 1.0, tuple(factors.tolist()), microphone, kind.name)
    rt60 = float(np.exp(rng.uniform(*np.log(kind.rt60))))
    return replace(room, rt60=max(rt60, room.shortest_rt60))
