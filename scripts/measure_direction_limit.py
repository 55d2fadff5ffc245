"""What elevation and noise cost in azimuth: `python scripts/measure_direction_limit.py BANK [--scenes N]`.

The level difference of coincident stereo microphones depends on sin(azimuth) cos(elevation) only. Sources are drawn
by the preset `starss` (nothing is rendered), this quantity is observed with Gaussian noise, and the azimuth is
estimated as its median given the observation, learnt from half of the sources and tested on the other half. No
estimator from level differences alone has a smaller mean absolute error on these scenes. Printed, by true azimuth:
the mean error outwards; then the mean absolute error, and the share of errors above 20 degrees.
"""

from __future__ import annotations

import argparse

import numpy as np
from compare_scenes import rows_of_scenes
from numpy.typing import NDArray

from earwitness.core.geometry import fold
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.synthesizer import Synthesizer

FloatArray = NDArray[np.float64]

BINS = 181
BIN_DEG = 10.0
NOISES = (0.0, 0.05, 0.1, 0.2, 0.3)
WRONG_DEG = 20.0


def estimated(observed: FloatArray, azimuth: FloatArray, tested: FloatArray) -> FloatArray:
    """Median azimuth (degrees) given an observation, from pairs of both, for the observations `tested`."""
    edges = np.quantile(observed, np.linspace(0, 1, BINS + 1)[1:-1])
    place = np.digitize(observed, edges)
    medians = np.array([np.median(azimuth[place == number]) for number in range(BINS)])
    return medians[np.digitize(tested, edges)]


def lines(azimuth: FloatArray, elevation: FloatArray, seed: int) -> list[str]:
    """One line for each level of noise; azimuths are folded, both in degrees."""
    rng = np.random.default_rng(seed)
    # A mirrored source for each one: the scenes have no preferred side.
    azimuth, elevation = np.concatenate([azimuth, -azimuth]), np.concatenate([elevation, elevation])
    side = np.sin(np.radians(azimuth)) * np.cos(np.radians(elevation))
    learnt = rng.permutation(len(azimuth)) < len(azimuth) // 2
    bins = np.minimum(np.abs(azimuth[~learnt]) // BIN_DEG, 90 // BIN_DEG - 1).astype(int)
    printed = []
    for noise in NOISES:
        observed = side + rng.normal(size=side.size) * noise
        answer = estimated(observed[learnt], azimuth[learnt], observed[~learnt])
        outwards = (answer - azimuth[~learnt]) * np.sign(azimuth[~learnt])
        bias = [f"{outwards[bins == number].mean():+6.1f}" for number in range(int(90 // BIN_DEG))]
        error = np.abs(answer - azimuth[~learnt])
        printed.append(f"{noise:5.2f} |{' '.join(bias)} | {error.mean():10.1f} | {np.mean(error > WRONG_DEG):9.1%}")
    return printed


def main() -> None:
    """Draw the scenes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    parser.add_argument("--scenes", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=8181)
    parser.add_argument("--rooms", type=int, default=60)
    asked = parser.parse_args()
    pool = RirPool.open(PoolConfig(rooms=asked.rooms, seed=asked.seed, paths=4, path_points=9, kind="varied"))
    synthesizer = Synthesizer(SoundBank.open(asked.bank, "train"), pool, SceneConfig(preset="starss"))
    rows, _ = rows_of_scenes(synthesizer, asked.scenes, asked.seed)
    azimuth, elevation = np.array([row[4] for row in rows]), np.array([row[5] for row in rows])
    print(f"{len(rows)} frames of {asked.scenes} scenes; elevation {elevation.mean():.0f} +- {elevation.std():.0f} deg")
    middles = " ".join(f"{middle:6.0f}" for middle in np.arange(BIN_DEG / 2, 90, BIN_DEG))
    print(f"noise |{middles} | mean error | above {WRONG_DEG:.0f}")
    for line in lines(fold(azimuth).astype(np.float64), elevation, asked.seed):
        print(line)


if __name__ == "__main__":
    main()
