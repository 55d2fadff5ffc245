"""Scenes beside labels of real recordings: `python scripts/compare_scenes.py LABELS BANK [--scenes N] [--preset P]`.

Prints, for each class, where its sources are, how long they sound, how many of them move and how fast, and how many
sources sound at once: of the labels, and of scenes that the sampler draws (nothing is rendered). Runs of scenes end
with the scene, so the labels' are cut into windows of the same length first. Shares of classes are not compared: scenes
have all classes alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fit_scenes import read_labels

from earwitness.core.vocabulary import CLASSES, class_by_slug
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.sound_bank import INTERFERENCE, SoundBank
from earwitness.scenes.renderer import SceneRenderer
from earwitness.scenes.sampling.presets import MOVES_DEG, Run, at_once, runs_of
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.synthesizer import Synthesizer

Row = tuple[str, int, int, int, float, float]


def rows_of_windows(rows: Sequence[Row], frames: int) -> list[Row]:
    """The labels as if each recording had been cut into windows."""
    return [(f"{row[0]}:{row[1] // frames}", *row[1:]) for row in rows]


def rows_of_scenes(synthesizer: Synthesizer, scenes: int, seed: int) -> tuple[list[Row], list[float]]:
    """Labels of drawn scenes, and the distances of their sources."""
    renderer, rows, distances = SceneRenderer(synthesizer.bank, synthesizer.pool), [], []
    for index in range(scenes):
        recipe = synthesizer.draft(np.random.SeedSequence(seed, spawn_key=(index,)))
        for number, track in enumerate(renderer.tracks(recipe)):
            frames = np.flatnonzero(track.active)
            if track.kind == INTERFERENCE or not frames.size:
                continue
            sound = class_by_slug(track.kind).index
            rows += [
                (f"{index}", int(f), sound, number, float(track.azimuth[f]), float(track.elevation[f])) for f in frames
            ]
            distances.append(float(track.distance[frames].mean()))
    return rows, distances


def described(runs: Sequence[Run]) -> str:
    """Elevation, length and motion of runs in one line."""
    if not runs:
        return f"{0:6d}" + " " * 52
    elevation = np.concatenate([run.elevation for run in runs])
    low, middle, high = np.quantile([run.seconds for run in runs], [0.1, 0.5, 0.9])
    moving = [run for run in runs if run.turn_deg > MOVES_DEG]
    speed = np.median([run.turn_deg / run.seconds for run in moving]) if moving else np.nan
    return (
        f"{len(runs):6d} {elevation.mean():5.0f} {elevation.std():3.0f} ({np.quantile(elevation, 0.05):4.0f} "
        f"{np.quantile(elevation, 0.95):4.0f}) {low:4.1f} {middle:4.1f} {high:4.1f} "
        f"{100 * len(moving) / len(runs):4.0f} {speed:5.1f}"
    )


def table(labels: Sequence[Row], scenes: Sequence[Row]) -> list[str]:
    """Lines that tell labels and scenes apart, class by class."""
    sides = [runs_of(labels), runs_of(scenes)]
    head = f"{'runs':>6} {'elevation, sd (5 %, 95 %)':24} {'seconds 10/50/90':14} {'move':>4} {'deg/s':>5}"
    lines = [f"{'':20} | {'labels: ' + head} | {'scenes: ' + head}"]
    for sound in CLASSES:
        own = [[run for run in runs if run.class_index == sound.index] for runs in sides]
        lines.append(f"{sound.name:20} | {described(own[0])} | {described(own[1])}")
    for name, runs in zip(("labels", "scenes"), sides, strict=True):
        shares, pairs = at_once(runs)
        text = ", ".join(f"{number} {share:.0%}" for number, share in zip(("1", "2", "3", "4+"), shares, strict=True))
        lines.append(f"{name}: at once {text} of the frames with an event; two of a class in {pairs:.1%} of its frames")
    return lines


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("bank", type=Path)
    parser.add_argument("--scenes", type=int, default=2000)
    parser.add_argument(
        "--preset", default="starss", help="or `none`: the distributions of synthesize without a preset"
    )
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--split", default="train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prefix", default="", help="of the recordings that are compared")
    asked = parser.parse_args()
    varied = asked.preset != "none"
    pool = RirPool.open(PoolConfig(rooms=asked.rooms, kind="varied" if varied else "plain"))
    config = SceneConfig.model_validate({"preset": asked.preset} if varied else {})
    synthesizer = Synthesizer(SoundBank.open(asked.bank, asked.split), pool, config)
    rows, distances = rows_of_scenes(synthesizer, asked.scenes, asked.seed)
    labels = rows_of_windows(list(read_labels(asked.labels, asked.prefix)), round(config.seconds * 10))
    print("\n".join(table(labels, rows)))
    spread = " / ".join(f"{value:.1f}" for value in np.quantile(distances, [0.05, 0.25, 0.5, 0.75, 0.95]))
    print(f"scenes: distances (5 / 25 / 50 / 75 / 95 %) {spread} m; {np.mean(np.array(distances) > 2):.0%} beyond 2 m")


if __name__ == "__main__":
    main()
