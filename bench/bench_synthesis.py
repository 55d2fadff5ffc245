"""How many 5-s scenes a second the synthesiser makes: `python bench/bench_synthesis.py [--bank DIR]`, one thread."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from earwitness.features import FeatureExtractor  # noqa: E402
from earwitness.synthesis import PoolConfig, SceneConfig, Synthesizer  # noqa: E402

TINY_BANK = Path(__file__).parents[1] / "tests" / "data" / "bank"
SCENES = 150


def rate(synthesizer: Synthesizer, *, features: bool = False) -> float:
    """Scenes a second from a ready pool and a decoded bank."""
    extract = FeatureExtractor() if features else None
    seeds = np.random.SeedSequence(1).spawn(SCENES)
    synthesizer.scene(seeds[0])
    begin = time.perf_counter()
    for seed in seeds:
        scene = synthesizer.scene(seed)
        if extract:
            extract(scene.audio)
    return SCENES / (time.perf_counter() - begin)


def main() -> None:
    """Print rooms and scenes a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bank", type=Path, default=TINY_BANK)
    bank = parser.parse_args().bank
    with tempfile.TemporaryDirectory() as cache:
        rooms = PoolConfig(rooms=10)
        begin = time.perf_counter()
        synthesizer = Synthesizer.from_bank(bank, rooms=rooms, cache=cache)
        seconds = time.perf_counter() - begin
        rirs = len(synthesizer.pool)
        print(f"{'room pool':<34}{rirs / seconds:>8.0f} RIRs/s ({rirs} RIRs of {rooms.rooms} rooms)")
        synthesizer.bank.preload()
        cases = {
            "static sources": SceneConfig(moving_probability=0.0),
            "default (20 % moving)": SceneConfig(),
            "all moving": SceneConfig(moving_probability=1.0),
        }
        for name, config in cases.items():
            print(f"{name:<34}{rate(Synthesizer(synthesizer.bank, synthesizer.pool, config)):>8.0f} scenes/s of 5 s")
        print(f"{'default, with features':<34}{rate(synthesizer, features=True):>8.0f} scenes/s of 5 s")


if __name__ == "__main__":
    main()
