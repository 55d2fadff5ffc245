"""Render scenes with pictures for fitting or measuring the fusion of sound and picture.

    python scripts/render_visual.py --bank BANK --people people/test --part test --clips 400 --seed 77 --out DIR

DIR has the layout of a DCASE2025 set. What makes these scenes hard, as real ones are:

- silent distractors that stand still (the renderer's bystanders) and that move: three in ten of the sources are shown
  but not heard, and move as if they were;
- sources behind the camera and beside the picture, some in line with somebody silent in front;
- one source is on screen for three that are not, as in the DCASE2025 set: they are within 35 degrees above or below the
  camera (`--elevation 90` takes all places of the rooms, of which 19 % are on screen);
- every other clip (odd numbers) shows photographed people (scripts/photo_people.py), the others drawn ones.

`--dull 0.25` renders only a quarter of the clips that show no source, and writes into weights.csv that they count four
times: more of what a calibration needs for the same work, of the same distribution.

`--still 0.2` renders a fifth of the clips without any motion: all sources stand, and every picture is the same. Their
names go into still.csv. `--preset starss` takes number, times, places and motion of sources as real recordings have
them, in more kinds of rooms; `--elevation` then has no effect.

The sounds are those of the bank's validation split, which the model never learned from: half of its groups for
`calibration`, the other half for `test`; the rooms differ too. `--lend bell,water_tap` takes sounds of classes that the
calibration half lacks from the training split, and renders only clips in which they are heard: what is seen of them can
be calibrated so, while they are heard a little better than unknown ones.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np

from earwitness.core.geometry import rotate_view
from earwitness.scenes import PoolConfig, RirPool, SceneConfig, Synthesizer
from earwitness.scenes.bank.sound_bank import INTERFERENCE, SoundBank
from earwitness.scenes.pictures import CutoutLibrary, PictureRenderer, write_scene
from earwitness.scenes.scene import Scene, SceneRecipe
from earwitness.scenes.writing.scene_clips import SPLIT, clip_name, write_clip

ROOM_SEEDS = {"calibration": 424_242, "test": 737_373}
ROOMS = 40
MUTED = 0.3
BYSTANDERS = 1.0
ELEVATION_DEG = 35.0
"""Gives on to off screen as 1 to 3, by the places of the rooms alone."""
WEIGHTS = "weights.csv"
"""Of a set: name of each clip and how often it counts."""
STILL = "still.csv"
"""Of a set: names of the clips in which nothing moves."""


def main() -> None:
    """Render what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--people", type=Path, required=True, help="cut-outs of photographed people, a folder a class")
    parser.add_argument("--part", choices=ROOM_SEEDS, required=True)
    parser.add_argument("--clips", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--fps", type=int, default=5)
    parser.add_argument("--share", default="0/1", help="render clips k, k+n, k+2n, ... only: k/n")
    parser.add_argument("--dull", type=float, default=1.0, help="share of the clips without a source in view to render")
    parser.add_argument(
        "--lend", default="", help="classes whose sounds are taken from the training split, with commas"
    )
    parser.add_argument(
        "--elevation", type=float, default=ELEVATION_DEG, help="of sources, degrees up and down at most"
    )
    parser.add_argument("--still", type=float, default=0.0, help="share of the clips in which nothing moves")
    parser.add_argument("--preset", help="scene preset, such as starss")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    lent = frozenset(given.lend.split(",")) - {""}
    bank = open_bank(given.bank, given.part, lent)
    kind = "plain" if given.preset is None else "varied"
    pool = RirPool.open(PoolConfig(rooms=ROOMS, seed=ROOM_SEEDS[given.part], kind=kind))
    scenes = (
        {"elevation_deg": (-given.elevation, given.elevation)} if given.preset is None else {"preset": given.preset}
    )
    synthesizer = Synthesizer(bank, pool, SceneConfig.model_validate(scenes))
    renderers = [
        PictureRenderer(CutoutLibrary(folder), fps=given.fps, rooms=pool.rooms, bystanders=BYSTANDERS)
        for folder in (None, given.people)
    ]
    first, step = (int(number) for number in given.share.split("/"))
    for index in range(first, given.clips, step):
        whole = synthesizer.draft(np.random.SeedSequence(given.seed, spawn_key=(index,)))
        name, weight = clip_name(whole, index), 1.0
        if lent and not any(event.kind in lent for event in muted(whole, (given.seed, index)).events):
            continue
        if not shows_sources(whole, pool):
            if np.random.default_rng(np.random.SeedSequence(given.seed, spawn_key=(index, 3))).random() >= given.dull:
                continue
            weight = 1 / given.dull
        if not (given.out / "metadata_dev" / SPLIT / f"{name}.csv").is_file():
            still = (
                np.random.default_rng(np.random.SeedSequence(given.seed, spawn_key=(index, 4))).random() < given.still
            )
            render(synthesizer, renderers[index % 2], whole, (given.seed, index), given.out / name, still=still)
            if still:
                _append(given.out / STILL, name)
            _append(given.out / WEIGHTS, f"{name},{weight:g}")
        print(f"\r{index + 1}/{given.clips}", end="", flush=True)
    print()


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def open_bank(root: Path, part: str, lent: frozenset[str]) -> SoundBank:
    """Sounds of a part of the validation split, and those of the lent classes of the training split."""
    valid = SoundBank.open(root, "valid")
    own = [sound for sound in valid.sounds if part_of(sound.group or sound.name) == part]
    if lent:
        own += [sound for sound in SoundBank.open(root, "train").sounds if sound.kind in lent]
    return SoundBank(valid.root, tuple(sorted(own, key=lambda sound: sound.name)))


def part_of(group: str) -> str:
    """Which part of the validation sounds a group belongs to."""
    return "test" if hashlib.sha256(group.encode()).digest()[0] % 2 else "calibration"


def shows_sources(recipe: SceneRecipe, pool: RirPool) -> bool:
    """Whether a labelled source is anywhere in view of the camera, heard or not."""
    for event in recipe.events:
        ahead, left, _ = pool.position[list(event.rirs)].astype(np.float64).T
        azimuth = rotate_view(np.degrees(np.arctan2(left, ahead)), recipe.view_deg)
        if event.kind != INTERFERENCE and (np.abs(azimuth) <= recipe.fov_deg / 2).any():
            return True
    return False


def render(
    synthesizer: Synthesizer, renderer: PictureRenderer, whole: SceneRecipe, seed: tuple[int, int], path: Path,
    *, still: bool = False,
) -> None:  # fmt: skip
    """One clip of a set, `path` without the folders of the layout; it depends on the seed and the index only.

    If `still`, nothing moves: neither sources nor what is seen of them.
    """
    whole = standing(whole) if still else whole
    out, name = path.parent, path.name
    scene, shown = synthesizer.render(muted(whole, seed)), synthesizer.render(whole)
    pictured = Scene(scene.recipe, scene.audio, scene.labels, shown.tracks)
    sequence = np.random.SeedSequence(seed[0], spawn_key=(seed[1], 1))
    if still:
        seconds = whole.seconds
        frames = repeat(renderer.picture_at(pictured, sequence, seconds / 2), round(seconds * renderer.fps))
    else:
        frames = renderer.render(pictured, sequence)
    write_scene(out / "video_dev" / SPLIT / f"{name}.mp4", pictured, frames, Fraction(renderer.fps))
    write_clip(scene, out, name)


def standing(recipe: SceneRecipe) -> SceneRecipe:
    """The recipe with every moving source at the middle of its path."""
    events = [
        replace(event, rirs=event.rirs[len(event.rirs) // 2 :][:1], path_start=0.0, path_speed=0.0)
        for event in recipe.events
    ]
    return replace(recipe, events=tuple(events))


def muted(recipe: SceneRecipe, seed: tuple[int, int]) -> SceneRecipe:
    """The recipe without the sources that are shown but not heard; seed and index of the clip decide which."""
    rng = np.random.default_rng(np.random.SeedSequence(seed[0], spawn_key=(seed[1], 2)))
    kept = [event for event in recipe.events if event.kind == INTERFERENCE or rng.random() >= MUTED]
    return replace(recipe, events=tuple(kept))


if __name__ == "__main__":
    main()
