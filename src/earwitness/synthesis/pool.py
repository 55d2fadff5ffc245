"""A pool of simulated RIRs, memory-mapped: many rooms, many source positions, paths to walk along."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from earwitness.cache import cache_folder
from earwitness.errors import BankError
from earwitness.synthesis.rooms import SPEED_OF_SOUND, Room, calibrated, draw_room, simulate
from earwitness.synthesis.scene import SAMPLE_RATE

VERSION: Final = 2
_SCALE: Final = 32.0
"""RIRs are stored as float16 times this, which keeps faint tails out of the subnormal range."""
DIRECT_SAMPLES: Final = 36
"""Samples from its arrival on that are taken for the direct sound of a measured RIR: 1.5 ms."""
DIRECT_TAPER: Final = 12
_MIN_DISTANCE: Final = 0.4
_WALL_MARGIN: Final = 0.25


class PoolConfig(BaseModel):
    """What a pool holds.

    Attributes:
        rooms: number of rooms.
        positions: static source positions a room.
        paths: straight paths a room, along which sources can walk.
        path_points: RIRs along each path.
        path_step: metres between the points of a path.
        seed: pools of different seeds have different rooms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rooms: int = Field(default=120, ge=1)
    positions: int = Field(default=24, ge=1)
    paths: int = Field(default=3, ge=0)
    path_points: int = Field(default=12, ge=2)
    path_step: float = Field(default=0.3, gt=0)
    seed: int = 0

    @property
    def name(self) -> str:
        """Folder name that tells pools apart."""
        return (
            f"rooms{self.rooms}-pos{self.positions}-paths{self.paths}x{self.path_points}"
            f"-step{self.path_step:g}-seed{self.seed}-v{VERSION}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class RirPool:
    """RIRs of many rooms.

    Attributes:
        samples: (total, 3) float16, all RIRs end to end, channels W, Y, X, scaled.
        offsets: (n + 1,) int64, where each RIR begins.
        room: (n,) int32, index of each RIR's room.
        path: (n,) int32, path of the room that the RIR's position lies on, in walking order; -1 for single positions.
        position: (n, 3) float32, metres from the microphone: ahead, left, up.
        rooms: the rooms.
        name: tells pools apart; recipes name the pool that they were drawn from.
        onset: (n,) int32, sample at which the direct sound of a measured RIR arrives; None where RIRs are simulated:
            then it is one sample of 1 / distance at the time that sound takes.
    """

    samples: NDArray[np.float16]
    offsets: NDArray[np.int64]
    room: NDArray[np.int32]
    path: NDArray[np.int32]
    position: NDArray[np.float32]
    rooms: tuple[Room, ...]
    name: str = ""
    onset: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        """Number of RIRs."""
        return int(self.room.size)

    def rir(self, index: int) -> NDArray[np.float32]:
        """RIR number `index`: (3, samples) float32, channels W, Y, X; the direct sound is 1 / distance."""
        part = self.samples[self.offsets[index] : self.offsets[index + 1]]
        return part.T.astype(np.float32) * np.float32(1 / _SCALE)

    def stereo_rir(self, index: int, view_deg: float) -> NDArray[np.float32]:
        """RIR number `index` as W and Y' of a view turned by `view_deg`: (2, samples)."""
        w, y, x = self.rir(index)
        turn = np.radians(view_deg)
        return np.stack([w, x * np.float32(np.sin(turn)) + y * np.float32(np.cos(turn))])

    def turned_rir(self, index: int, view_deg: float) -> NDArray[np.float32]:
        """RIR number `index` as W, Y' and X' of a view turned by `view_deg`: (3, samples)."""
        w, y, x = self.rir(index)
        sin, cos = np.float32(np.sin(np.radians(view_deg))), np.float32(np.cos(np.radians(view_deg)))
        return np.stack([w, x * sin + y * cos, x * cos - y * sin])

    def direct(self, index: int) -> tuple[NDArray[np.float32], int, float]:
        """The direct sound in W of RIR number `index`.

        Returns:
            samples: (n,); start: where in the RIR they begin; late: samples by which it truly arrives later than that.
        """
        if self.onset is None:
            distance = float(np.linalg.norm(self.position[index]))
            arrival = distance / SPEED_OF_SOUND * SAMPLE_RATE
            return np.array([1 / distance], dtype=np.float32), round(arrival), arrival - round(arrival)
        start = max(0, int(self.onset[index]) - DIRECT_TAPER)
        taper = np.sin(np.arange(1, DIRECT_TAPER + 1) / (DIRECT_TAPER + 1) * np.pi / 2) ** 2
        window = np.concatenate([taper, np.ones(DIRECT_SAMPLES), taper[::-1]])
        part = self.rir(index)[0, start : start + window.size]
        return np.asarray(part * window[: part.size], dtype=np.float32), start, 0.0

    def static(self, room: int) -> NDArray[np.intp]:
        """Indices of the room's single positions."""
        return np.flatnonzero((self.room == room) & (self.path < 0))

    def paths(self, room: int) -> list[NDArray[np.intp]]:
        """Indices of each of the room's paths, in walking order."""
        inside = (self.room == room) & (self.path >= 0)
        return [np.flatnonzero(inside & (self.path == path)) for path in np.unique(self.path[inside])]

    @classmethod
    def load(cls, folder: str | Path) -> RirPool:
        """Open the pool in `folder`; samples stay on disk until they are used.

        Raises:
            BankError: there is no pool, or it is damaged.
        """
        folder = Path(folder)
        try:
            index = np.load(folder / "index.npz")
            described = json.loads((folder / "rooms.json").read_text(encoding="utf-8"))
            samples = np.load(folder / "samples.npy", mmap_mode="r")
            rooms = tuple(
                Room(tuple(room["size"]), room["rt60"], tuple(room["band_factors"]), tuple(room["microphone"]))
                for room in described["rooms"]
            )
            onset = index.get("onset")
            pool = cls(
                samples, index["offsets"], index["room"], index["path"], index["position"], rooms, folder.name, onset
            )
        except (OSError, KeyError, ValueError) as error:
            raise BankError(f"no usable RIR pool in '{folder}' ({error}); delete it to build it anew") from error
        if pool.samples.shape != (int(pool.offsets[-1]), 3):
            raise BankError(f"the RIR pool in '{folder}' is damaged; delete the folder to build it anew")
        return pool

    @classmethod
    def open(
        cls,
        config: PoolConfig,
        cache: str | Path | None = None,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> RirPool:
        """The pool of `config`, from the cache folder or built and kept there.

        Args:
            config: what the pool holds; the same config gives the same RIRs.
            cache: folder for pools; by default `default_cache()`.
            workers: processes that simulate rooms.
            progress: called with (rooms done, rooms in all).
        """
        folder = Path(cache or default_cache()) / config.name
        if not (folder / "rooms.json").is_file():
            build(config, folder, workers, progress)
        return cls.load(folder)


def default_cache() -> Path:
    """Folder that keeps pools, unless told otherwise."""
    return cache_folder("rir-pools")


def build(
    config: PoolConfig, folder: Path, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> None:
    """Simulate the pool of `config` and save it in `folder`; about 0.2 s a room and core."""
    seeds = np.random.SeedSequence(config.seed).spawn(config.rooms)
    jobs = [(config, seed) for seed in seeds]
    parts: list[_RoomPart] = []
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
    _save(parts, folder)


@dataclass(frozen=True, slots=True)
class _RoomPart:
    room: Room
    rirs: list[NDArray[np.float16]]
    path: NDArray[np.int32]
    position: NDArray[np.float32]


def _simulate_room(job: tuple[PoolConfig, np.random.SeedSequence]) -> _RoomPart:
    config, seed = job
    rng = np.random.default_rng(seed)
    room = calibrated(draw_room(rng), rng)
    points = [_random_point(room, rng) for _ in range(config.positions)]
    path = [-1] * config.positions
    for number in range(config.paths):
        walk = _random_path(room, config, rng)
        points.extend(walk)
        path.extend([number] * len(walk))
    positions = np.stack(points)
    rirs = [(rir.T * _SCALE).astype(np.float16) for rir in simulate(room, positions, rng)]
    relative = (positions - np.asarray(room.microphone)).astype(np.float32)
    return _RoomPart(room, rirs, np.asarray(path, dtype=np.int32), relative)


def _random_point(room: Room, rng: np.random.Generator) -> NDArray[np.float64]:
    """A place for a source, all round the microphone, near ones as likely as far ones."""
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
    """A straight walk at constant height; shorter than asked for where the room is too small."""
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


def _save(parts: list[_RoomPart], folder: Path) -> None:
    rirs = [rir for part in parts for rir in part.rirs]
    offsets = np.concatenate([[0], np.cumsum([len(rir) for rir in rirs])]).astype(np.int64)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".pool-", dir=folder.parent))
    try:
        samples = np.lib.format.open_memmap(
            temporary / "samples.npy", mode="w+", dtype=np.float16, shape=(int(offsets[-1]), 3)
        )
        for rir, start in zip(rirs, offsets[:-1], strict=True):
            samples[start : start + len(rir)] = rir
        samples.flush()
        np.savez(
            temporary / "index.npz",
            offsets=offsets,
            room=np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.rirs) for part in parts]),
            path=np.concatenate([part.path for part in parts]),
            position=np.concatenate([part.position for part in parts]),
        )
        rooms = {"version": VERSION, "rooms": [asdict(part.room) for part in parts]}
        (temporary / "rooms.json").write_text(json.dumps(rooms), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
