"""Pools of simulated rooms: random rooms of several kinds, source positions, and paths of moving sources."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earwitness.core.schema import StrictModel
from earwitness.scenes.acoustics.rir_files import SCALE, VERSION, RoomPart, save_rooms
from earwitness.scenes.acoustics.rooms import (
    BAND_CENTRES_HZ,
    REFERENCE_BANDS,
    SPEED_OF_SOUND,
    Directivity,
    Room,
    calibrated,
    draw_directivity,
    draw_room,
    simulate,
)
from earwitness.scenes.scene import SAMPLE_RATE

_MIN_DISTANCE: Final = 0.4
_WALL_MARGIN: Final = 0.25
_NAME: Final = re.compile(r"rooms(\d+)-pos(\d+)-paths(\d+)x(\d+)-step([\d.e+-]+?)-seed(-?\d+)-v(\d+)(-varied)?")

Range = tuple[float, float]
MICROPHONE_MARGIN: Final = 0.6
"""Minimum distance in metres from the microphone to a wall, or a third of the width of the room if that is less."""

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


class PoolConfig(StrictModel):
    """Contents of a pool.

    Attributes:
        rooms: number of rooms.
        positions: static source positions per room.
        paths: straight paths of moving sources per room.
        path_points: RIRs per path.
        path_step: distance between the points of a path in metres.
        seed: pools with different seeds have different rooms.
        kind: `plain`: shoeboxes with omnidirectional sources anywhere in the room; `varied`: several kinds of rooms
            (`ROOM_KINDS`) with directional sources at positions as in real recordings.
    """

    rooms: int = Field(default=120, ge=1)
    positions: int = Field(default=24, ge=1)
    paths: int = Field(default=3, ge=0)
    path_points: int = Field(default=12, ge=2)
    path_step: float = Field(default=0.3, gt=0)
    seed: int = 0
    kind: Literal["plain", "varied"] = "plain"

    @property
    def name(self) -> str:
        """Folder name that identifies the pool."""
        return (
            f"rooms{self.rooms}-pos{self.positions}-paths{self.paths}x{self.path_points}"
            f"-step{self.path_step:g}-seed{self.seed}-v{VERSION}{'-varied' if self.kind == 'varied' else ''}"
        )

    @classmethod
    def named(cls, name: str) -> PoolConfig | None:
        """The config of the pool named `name`; None if this version cannot simulate it."""
        match = _NAME.fullmatch(name)
        if match is None or int(match[7]) != VERSION:
            return None
        rooms, positions, paths, points = (int(part) for part in match.groups()[:4])
        return cls(
            rooms=rooms, positions=positions, paths=paths, path_points=points, path_step=float(match[5]),
            seed=int(match[6]), kind="varied" if match[8] else "plain",
        )  # fmt: skip


def build(
    config: PoolConfig, folder: Path, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> None:
    """Simulate the pool of `config` and save it in `folder`; takes about 0.2 s per room and core."""
    seeds = np.random.SeedSequence(config.seed).spawn(config.rooms)
    jobs = [(config, seed) for seed in seeds]
    parts: list[RoomPart] = []
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
            for part in executor.map(_simulate_room, jobs):
                parts.append(part)
                if progress:
                    progress(len(parts), config.rooms)
    else:
        for job in jobs:
            parts.append(_simulate_room(job))
            if progress:
                progress(len(parts), config.rooms)
    save_rooms(parts, folder)


def _simulate_room(job: tuple[PoolConfig, np.random.SeedSequence]) -> RoomPart:
    config, seed = job
    rng = np.random.default_rng(seed)
    if config.kind == "varied":
        return _simulate_varied(config, rng)
    room = calibrated(draw_room(rng), rng)
    points = [_random_point(room, rng) for _ in range(config.positions)]
    path = [-1] * config.positions
    for number in range(config.paths):
        walk = _random_path(room, config, rng)
        points.extend(walk)
        path.extend([number] * len(walk))
    positions = np.stack(points)
    rirs = [(rir.T * SCALE).astype(np.float16) for rir in simulate(room, positions, rng)]
    relative = (positions - np.asarray(room.microphone)).astype(np.float32)
    return RoomPart(room, rirs, np.asarray(path, dtype=np.int32), relative)


def _simulate_varied(config: PoolConfig, rng: np.random.Generator) -> RoomPart:
    room = calibrated(draw_room_of_kind(rng), rng)
    points = [draw_place(room, rng) for _ in range(config.positions)]
    microphone = np.asarray(room.microphone)
    facing = [draw_directivity(microphone - point, rng) for point in points]
    path = [-1] * config.positions
    for number in range(config.paths):
        walk = draw_walk(room, config.path_points, config.path_step, rng, on_floor=number % 2 == 0)
        points.extend(walk)
        path.extend([number] * len(walk))
        # Moving sources face forwards or backwards.
        ahead = (walk[1] - walk[0]) * (1 if rng.random() < 0.5 else -1)
        strength = draw_directivity(ahead, rng).strength
        facing.extend([Directivity(tuple((ahead / np.linalg.norm(ahead)).tolist()), strength)] * len(walk))
    positions = np.stack(points)
    rirs = [(rir.T * SCALE).astype(np.float16) for rir in simulate(room, positions, rng, facing=facing)]
    relative = (positions - microphone).astype(np.float32)
    # The direct sound of a directional source has a spectrum, as in measured responses.
    onset = np.rint(np.linalg.norm(positions - microphone, axis=1) / SPEED_OF_SOUND * SAMPLE_RATE).astype(np.int32)
    return RoomPart(room, rirs, np.asarray(path, dtype=np.int32), relative, onset)


def _random_point(room: Room, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random source position around the microphone; the distance is log-uniform."""
    microphone = np.asarray(room.microphone)
    while True:
        azimuth = rng.uniform(-np.pi, np.pi)
        distance = np.exp(rng.uniform(np.log(_MIN_DISTANCE), np.log(7.0)))
        height = rng.uniform(0.15, min(2.2, room.size[2] - _WALL_MARGIN))
        point = np.array(
            [microphone[0] + distance * np.cos(azimuth), microphone[1] + distance * np.sin(azimuth), height]
        )
        if _inside(room, point) and np.linalg.norm(point - microphone) >= _MIN_DISTANCE:
            return point


def _random_path(room: Room, config: PoolConfig, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """A straight path at constant height; shorter than requested if the room is too small."""
    steps = config.path_points
    while True:
        for _ in range(100):
            start, heading = _random_point(room, rng), rng.uniform(-np.pi, np.pi)
            step = config.path_step * np.array([np.cos(heading), np.sin(heading), 0.0])
            walk = [start + step * number for number in range(steps)]
            clear = min(float(np.linalg.norm(point - room.microphone)) for point in walk) >= _MIN_DISTANCE
            if clear and all(_inside(room, point) for point in walk):
                return walk
        steps = max(2, steps - 2)


def _inside(room: Room, point: NDArray[np.float64]) -> bool:
    return bool(np.all(point > _WALL_MARGIN / 2) and np.all(point < np.asarray(room.size) - _WALL_MARGIN / 2))


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


def draw_place(room: Room, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random source position (3,) in the room, in metres; closer than usual if the room is too small."""
    microphone, nearer = np.asarray(room.microphone), 1.0
    while True:
        for _ in range(_TRIALS):
            distance = max(DISTANCE[0], nearer * _distance(rng))
            place = microphone + distance * _direction(_elevation(rng), rng)
            if _has_clearance(room, place):
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
            if (
                min(away) >= DISTANCE[0]
                and max(away) <= 1.5 * DISTANCE[1]
                and all(_has_clearance(room, one) for one in walk)
            ):
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


def _has_clearance(room: Room, place: NDArray[np.float64]) -> bool:
    low = np.array([_CLEARANCE, _CLEARANCE, _ON_FLOOR])
    return bool(np.all(place >= low) and np.all(place <= np.asarray(room.size) - _CLEARANCE))
