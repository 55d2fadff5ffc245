"""Pools of simulated rooms, with single source positions and paths of moving sources."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earwitness.core.schema import StrictModel
from earwitness.scenes.acoustics.directivity import Directivity, draw_directivity
from earwitness.scenes.acoustics.rir_files import SCALE, VERSION, RoomPart, save_rooms
from earwitness.scenes.acoustics.rooms import SPEED_OF_SOUND, Room, calibrated, draw_room, simulate
from earwitness.scenes.sampling.places import draw_place, draw_walk
from earwitness.scenes.sampling.room_kinds import draw_room_of_kind
from earwitness.scenes.scene import SAMPLE_RATE

_MIN_DISTANCE: Final = 0.4
_WALL_MARGIN: Final = 0.25
_NAME: Final = re.compile(r"rooms(\d+)-pos(\d+)-paths(\d+)x(\d+)-step([\d.e+-]+?)-seed(-?\d+)-v(\d+)(-varied)?")


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
            (`room_kinds`) with directional sources (`directivity`) at positions as in real recordings (`places`).
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
