"""How much of a lone source's distance its sound tells: `python scripts/measure_distance.py BANK [--scenes N]`.

A ridge regression of the logarithm of the distance on statistics of coherence, diffuseness, decays and side over the
whole event, in 16 bands: fitted on training scenes with a single source that stays, judged on a quarter as many
validation scenes, in rooms of their own. Prints the correlation and the mean relative error, beside that of the best
constant; answers are scaled to make their error smallest, as a model's calibration does.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final, Literal

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from earwitness.features.mel import mel_matrix
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer
from earwitness.scenes.scene import SAMPLE_RATE, Scene

FloatArray = NDArray[np.float64]

WINDOW: Final = 1024
HOP: Final = 240
BANDS: Final = 16
SPANS: Final = (10, 50)
"""Frames of 10 ms over which spectra are averaged before their coherence is taken."""
QUANTILES: Final = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
SHRINKAGE: Final = 2000.0
FEWEST_FRAMES: Final = 8
ROOMS: Final = {"train": PoolConfig(rooms=320), "valid": PoolConfig(rooms=40, seed=1_000_003)}
LONE: Final = SceneConfig(
    event_weights=(1.0,), interference_probability=0.0, moving_probability=0.0, empty_probability=0.0
)


def statistics(scene: Scene) -> FloatArray:
    """What is known of a scene's first source while it sounds: (k,)."""
    mid_side = np.stack([scene.audio[0] + scene.audio[1], scene.audio[0] - scene.audio[1]]) / 2
    padded = np.pad(mid_side, ((0, 0), (WINDOW // 2, WINDOW // 2)))
    frames = sliding_window_view(padded, WINDOW, axis=1)[:, ::HOP] * np.hanning(WINDOW)
    mid, side = scipy.fft.rfft(frames, axis=-1)
    mel = mel_matrix(SAMPLE_RATE, WINDOW, BANDS, 50.0, SAMPLE_RATE / 2)
    power, other, cross = np.abs(mid) ** 2 @ mel, np.abs(side) ** 2 @ mel, (mid.conj() * side) @ mel
    label = np.minimum(np.arange(len(power)) * HOP * 10 // SAMPLE_RATE, len(scene.tracks[0].active) - 1)
    on = scene.tracks[0].active[label]
    weight = power * on[:, None]
    total = weight.sum(0) + 1e-12
    found = []
    for span in SPANS:
        m, s = (uniform_filter1d(one, span, axis=0, mode="constant") for one in (power, other))
        c = sum(uniform_filter1d(part, span, axis=0, mode="constant") ** 2 for part in (cross.real, cross.imag))
        coherence, diffuse = c / (m * s + 1e-18), np.abs(s - c / (m + 1e-12)) / (m + 1e-12)
        found += [(coherence * weight).sum(0) / total, np.log10((diffuse * weight).sum(0) / total + 1e-4)]
        found += [coherence[on].mean(0), np.log10(diffuse[on].mean(0) + 1e-4)]
    level = np.log10(power + 1e-10)
    lateral = np.clip(cross.real / (power + 1e-12), -1, 1)[on]
    found += [*np.quantile(np.diff(level, axis=0, prepend=level[:1])[on], QUANTILES, axis=0), level[on].std(0)]
    found += [np.abs(lateral).mean(0), lateral.std(0)]
    return np.concatenate(found)


def gather(
    bank: Path, split: Literal["train", "valid"], scenes: int, cache: Path | None
) -> tuple[FloatArray, FloatArray]:
    """Statistics (n, k) and logarithms of the distance (n,) of lone sources."""
    maker = Synthesizer.from_bank(str(bank), split=split, rooms=ROOMS[split], config=LONE, cache=cache)
    known, distance = [], []
    for number in range(scenes):
        scene = maker.scene(np.random.SeedSequence(4242, spawn_key=(number,)))
        if scene.tracks and scene.tracks[0].active.sum() >= FEWEST_FRAMES:
            known.append(statistics(scene))
            distance.append(np.log(scene.tracks[0].distance[scene.tracks[0].active].mean()))
    return np.array(known), np.array(distance)


def relative_error(said: FloatArray, true: FloatArray) -> float:
    """Mean relative error of exp(said) with the factor that makes it smallest."""
    return float(min(np.mean(np.abs(factor * np.exp(said - true) - 1)) for factor in np.linspace(0.4, 1.6, 121)))


def main() -> None:
    """Fit, judge, print."""
    parser = argparse.ArgumentParser(description="How much of a lone source's distance its sound tells.")
    parser.add_argument("bank", type=Path)
    parser.add_argument("--scenes", type=int, default=3000)
    parser.add_argument("--cache", type=Path, help="folder of simulated rooms")
    given = parser.parse_args()
    known, distance = gather(given.bank, "train", given.scenes, given.cache)
    unseen, truth = gather(given.bank, "valid", given.scenes // 4, given.cache)
    middle, spread = known.mean(0), known.std(0) + 1e-6
    known, unseen = (np.clip((one - middle) / spread, -4, 4) for one in (known, unseen))
    weights = np.linalg.solve(
        known.T @ known + SHRINKAGE * np.eye(known.shape[1]), known.T @ (distance - distance.mean())
    )
    said = unseen @ weights + distance.mean()
    print(f"{len(known)} scenes to learn from, {len(unseen)} to judge on")
    print(f"correlation of the logarithms {np.corrcoef(said, truth)[0, 1]:.2f}")
    print(f"relative error {relative_error(said, truth):.3f}, best constant {relative_error(0 * truth, truth):.3f}")


if __name__ == "__main__":
    main()
