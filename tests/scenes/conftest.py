from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earwitness.scenes import PoolConfig, RirPool, SceneConfig, SoundBank, Synthesizer
from earwitness.scenes.acoustics.rooms import Room

TINY_BANK = Path(__file__).parents[1] / "data" / "bank"
TINY_ROOMS = PoolConfig(rooms=3, positions=6, paths=1, path_points=6, seed=5)


@pytest.fixture(scope="session")
def bank() -> SoundBank:
    return SoundBank.open(TINY_BANK)


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> RirPool:
    pytest.importorskip("pyroomacoustics")
    return RirPool.open(TINY_ROOMS, tmp_path_factory.mktemp("pools"))


@pytest.fixture(scope="session")
def synthesizer(bank: SoundBank, pool: RirPool) -> Synthesizer:
    return Synthesizer(bank, pool, SceneConfig())


@pytest.fixture(scope="session")
def free_field() -> Callable[..., RirPool]:
    return _free_field


@pytest.fixture(scope="session")
def mirrored() -> Callable[[RirPool], RirPool]:
    return _mirrored


def _free_field(*places: tuple[float, float, float]) -> RirPool:
    """No walls: each place (ahead, left, up) gives one impulse a channel when its sound arrives."""
    points = np.asarray(places, dtype=np.float32)
    distance = np.linalg.norm(points, axis=1)
    arrival = np.rint(distance / 343 * 24_000).astype(int)
    length = int(arrival.max()) + 400
    samples = np.zeros((len(points), length, 3), dtype=np.float32)
    for row, point, away, at in zip(samples, points, distance, arrival, strict=True):
        row[at] = np.array([1, point[1] / away, point[0] / away]) / away
    return RirPool(
        (samples.reshape(-1, 3) * 32).astype(np.float16),
        np.arange(len(points) + 1, dtype=np.int64) * length,
        np.zeros(len(points), np.int32),
        np.full(len(points), -1, np.int32),
        points,
        (Room((9, 9, 9), 0.1, (1.0,) * 7, (4, 4, 4)),),
    )


def _mirrored(pool: RirPool) -> RirPool:
    """The same rooms with left and right exchanged."""
    samples = np.array(pool.samples)
    samples[:, 1] *= -1
    position = pool.position * np.array([1, -1, 1], dtype=np.float32)
    rooms = tuple(
        Room(room.size, room.rt60, room.band_factors, (room.microphone[0], room.size[1] - room.microphone[1], 1.0))
        for room in pool.rooms
    )
    return RirPool(samples, pool.offsets, pool.room, pool.path, position, rooms, pool.name, pool.onset)
