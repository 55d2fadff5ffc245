from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.scenes import PoolConfig, RirPool


def test_pool_is_the_same_whatever_the_workers(tmp_path: Path, pool: RirPool) -> None:
    again = RirPool.open(PoolConfig(rooms=3, positions=6, paths=1, path_points=6, seed=5), tmp_path, workers=2)
    assert np.array_equal(again.samples, pool.samples)
    assert again.rooms == pool.rooms


def test_positions_go_all_round_and_keep_their_distance() -> None:
    pass_directions = []
    from earwitness.scenes.acoustics.rooms import draw_room
    from earwitness.scenes.acoustics.simulated_rooms import _random_point

    rng = np.random.default_rng(0)
    for _ in range(40):
        room = draw_room(rng)
        point = _random_point(room, rng) - np.asarray(room.microphone)
        assert np.linalg.norm(point) >= 0.4
        pass_directions.append(np.degrees(np.arctan2(point[1], point[0])))
    assert np.histogram(pass_directions, 4, (-180, 180))[0].min() >= 3


def test_paths_are_walkable(pool: RirPool) -> None:
    for room in range(len(pool.rooms)):
        for path in pool.paths(room):
            steps = np.linalg.norm(np.diff(pool.position[path], axis=0), axis=1)
            assert steps == pytest.approx(np.full(len(path) - 1, 0.3), abs=1e-4)


def test_turning_the_view_turns_the_source(pool: RirPool) -> None:
    index = int(pool.static(0)[0])
    ahead, left, _ = pool.position[index]
    azimuth = np.degrees(np.arctan2(left, ahead))
    w, side = pool.stereo_rir(index, -azimuth)
    direct = int(np.argmax(np.abs(w[:500])))
    assert side[direct] / w[direct] == pytest.approx(0.0, abs=0.02)


def test_damaged_pool_is_named(tmp_path: Path, pool: RirPool) -> None:
    with pytest.raises(BankError, match="no usable RIR pool"):
        RirPool.load(tmp_path)
