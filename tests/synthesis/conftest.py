from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.synthesis import PoolConfig, RirPool, SceneConfig, SoundBank, Synthesizer

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
