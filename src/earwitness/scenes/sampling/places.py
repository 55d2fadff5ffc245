"""Random source positions as in real recordings: mostly below the microphone, at distances of 0.5 to 6 m."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.scenes.acoustics.rooms import Room

DISTANCE: Final = (0.5, 6.0)
"""Range in metres."""
_MEDIAN, _SPREAD = 2.8, 0.55
"""Median in metres, and standard deviation of the logarithm of the distance."""
_LOWEST_ELEVATION, _HIGHEST_ELEVATION = -72.0, 25.0
_ELEVATION: Final = (-18.0, 15.0)
"""Mean and standard deviation in degrees."""
_ANYWHERE: Final = 0.25
"""Share of positions with uniformly distributed elevation, so that there are positions for all classes."""
_CLEARANCE: Final = 0.15
"""Minimum distance to walls and ceiling in metres; sources may be on the floor."""
_ON_FLOOR: Final = 0.03
_FLOOR_METRES: Final = 1.7
"""Median horizontal distance of the start of paths on the floor, as of footsteps."""
_TRIALS: Final = 400


def draw_place(room: Room, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random source position (3,) in the room, in metres; closer than usual if the room is too small."""
    microphone, nearer = np.asarray(room.microphone), 1.0
    while True:
        for _ in range(_TRIALS):
            distance = max(DISTANCE[0], nearer * _distance(rng))
            place = microphone + distance * _direction(_elevation(rng), rng)
            if _inside(room, place):
                return np.asarray(place)
        nearer *= 0.8


def draw_walk(
    room: Room, points: int, step: float, rng: np.random.Generator, *, on_floor: bool
) -> list[NDArray[np.float64]]:
    """A straight path at constant height, on the floor or at mouth height; shorter if the room is too small."""
    while True:
        for _ in range(_TRIALS):
            start = draw_place(room, rng)
            if on_floor:
                start = np.asarray(room.microphone) + _FLOOR_METRES * np.exp(rng.normal(0, 0.5)) * _direction(0.0, rng)
            start[2] = rng.uniform(_ON_FLOOR, 0.12) if on_floor else rng.uniform(0.9, 1.75)
            heading = rng.uniform(-np.pi, np.pi)
            along = step * np.array([np.cos(heading), np.sin(heading), 0.0])
            walk = [start + along * number for number in range(points)]
            away = [float(np.linalg.norm(place - np.asarray(room.microphone))) for place in walk]
            if min(away) >= DISTANCE[0] and max(away) <= 1.5 * DISTANCE[1] and all(_inside(room, one) for one in walk):
                return walk
        points = max(2, points - 2)


def _distance(rng: np.random.Generator) -> float:
    while True:
        metres = float(np.exp(rng.normal(np.log(_MEDIAN), _SPREAD)))
        if DISTANCE[0] <= metres <= DISTANCE[1]:
            return metres


def _elevation(rng: np.random.Generator) -> float:
    if rng.random() < _ANYWHERE:
        return float(rng.uniform(_LOWEST_ELEVATION, _HIGHEST_ELEVATION))
    return float(np.clip(rng.normal(*_ELEVATION), _LOWEST_ELEVATION, _HIGHEST_ELEVATION))


def _direction(elevation_deg: float, rng: np.random.Generator) -> NDArray[np.float64]:
    elevation, azimuth = np.radians(elevation_deg), rng.uniform(-np.pi, np.pi)
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def _inside(room: Room, place: NDArray[np.float64]) -> bool:
    low = np.array([_CLEARANCE, _CLEARANCE, _ON_FLOOR])
    return bool(np.all(place >= low) and np.all(place <= np.asarray(room.size) - _CLEARANCE))
