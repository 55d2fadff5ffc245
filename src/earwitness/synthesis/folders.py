"""Writes synthetic scenes as a DCASE2025 data set: one clip a scene, whole or not at all, by any worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from earwitness.data.dcase_csv import write_table
from earwitness.errors import BankError
from earwitness.media.wav import write_wav
from earwitness.synthesis.bank import SoundBank
from earwitness.synthesis.credits import write_credits
from earwitness.synthesis.picture import DCASE_FPS, PictureRenderer, write_scene
from earwitness.synthesis.pool import PoolConfig, RirPool
from earwitness.synthesis.renderer import SceneRenderer
from earwitness.synthesis.sampler import SceneConfig
from earwitness.synthesis.scene import SAMPLE_RATE, Scene, SceneRecipe
from earwitness.synthesis.synthesizer import Synthesizer

SPLIT: Final = "dev-train-synth"


@dataclass(frozen=True)
class RenderJob:
    """What to render; picklable, and the same in every worker.

    Attributes:
        bank: folder of the sound bank.
        out: folder of the data set.
        seed: scene `i` depends on (seed, i) only.
        split: split of the bank; None takes all sounds.
        rooms: the RIR pool.
        scene: the scenes' distributions.
        cache: folder of RIR pools; None is the default one.
        licences: only sounds under these; None takes all.
        without: sounds of the bank to leave out.
        video: whether to render pictures too.
        fps: pictures a second.
    """

    bank: Path
    out: Path
    seed: int
    split: str | None
    rooms: PoolConfig
    scene: SceneConfig
    cache: Path | None = None
    licences: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    video: bool = False
    fps: Fraction = DCASE_FPS

    def __hash__(self) -> int:
        """By the fields that decide which synthesizer serves the job."""
        return hash((self.bank, self.out, self.seed, self.split, self.rooms.name, self.licences, self.without))


def render_folder(
    job: RenderJob, clips: int, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> int:
    """Render clips 0 .. clips - 1 of `job` into its folder, and their credits; clips that are there already are kept.

    Args:
        job: what to render.
        clips: number of clips.
        workers: processes; the files are the same whatever their number.
        progress: called with (clips done, clips in all).

    Returns:
        How many clips were rendered now.
    """
    rendered = 0
    for done, new in enumerate(_results(job, clips, workers), start=1):
        rendered += new
        if progress:
            progress(done, clips)
    write_credits(job.out, _synthesizer(job).bank)
    return rendered


def first_scenes(job: RenderJob, clips: int) -> list[Scene]:
    """Scenes of clips 0 .. clips - 1, rendered anew, as for a preview."""
    synthesizer = _synthesizer(job)
    return [synthesizer.scene(np.random.SeedSequence(job.seed, spawn_key=(index,))) for index in range(clips)]


def render_recipe(
    job: RenderJob, path: Path, *, view_deg: float | None = None, noise: bool = True, stems: bool = False
) -> Scene:
    """Render the recipe file `path` into the job's folder: `NAME.wav`, `NAME.csv`, `NAME.json`, and its stems.

    Args:
        job: the bank and the rooms of the recipe's set, and where to write.
        path: what `write_clip` or this function wrote.
        view_deg: another turn of the camera and the microphone; None keeps the recipe's.
        noise: whether to render the bed and the hiss.
        stems: also write one sound file for each event, and one for the noise; they add up to the scene with noise.

    Raises:
        BankError: no such recipe, or it was made with another bank or other rooms.
    """
    try:
        recipe = SceneRecipe.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BankError(f"the scene recipe '{path}' cannot be read: {error}") from error
    if view_deg is not None:
        recipe = replace(recipe, view_deg=view_deg % 360)
    synthesizer = _synthesizer(job)
    renderer = SceneRenderer(synthesizer.bank, synthesizer.pool)
    scene = renderer.render(recipe, noise=noise)
    job.out.mkdir(parents=True, exist_ok=True)
    write_wav(job.out / f"{path.stem}.wav", scene.audio, SAMPLE_RATE)
    write_table(job.out / f"{path.stem}.csv", scene.labels)
    (job.out / f"{path.stem}.json").write_text(recipe.to_json() + "\n", encoding="utf-8")
    if stems:
        events, bed = renderer.stems(recipe)
        for number, (event, sound) in enumerate(zip(recipe.events, events, strict=True)):
            write_wav(job.out / f"{path.stem}_stem{number}_{event.kind}.wav", sound, SAMPLE_RATE)
        if noise:
            write_wav(job.out / f"{path.stem}_noise.wav", bed, SAMPLE_RATE)
    return scene


def clip_name(recipe: SceneRecipe, index: int) -> str:
    """DCASE name of a clip: fold1 is where synthetic clips conventionally go."""
    return f"fold1_room{recipe.room + 1}_mix{index:03d}_deg{int(recipe.view_deg):03d}_start0000"


def _results(job: RenderJob, clips: int, workers: int) -> Iterator[bool]:
    if workers <= 1:
        yield from (_render(job, index) for index in range(clips))
        return
    _synthesizer(job)  # builds the pool once, before the workers look for it
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        chunk = max(1, min(32, clips // (4 * workers)))
        yield from executor.map(_render, [job] * clips, range(clips), chunksize=chunk)


@lru_cache(maxsize=1)
def _synthesizer(job: RenderJob) -> Synthesizer:
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, without=job.without)
    return Synthesizer(bank, RirPool.open(job.rooms, job.cache), job.scene)


@lru_cache(maxsize=1)
def _pictures(job: RenderJob) -> PictureRenderer:
    """Kept for a worker's life: its cut-outs are drawn once. The room that is seen is the room that is heard."""
    return PictureRenderer(fps=job.fps, rooms=_synthesizer(job).pool.rooms)


def _render(job: RenderJob, index: int) -> bool:
    """Render one clip; the labels are written last, so that a clip with labels is complete."""
    synthesizer = _synthesizer(job)
    recipe = synthesizer.draft(np.random.SeedSequence(job.seed, spawn_key=(index,)))
    name = clip_name(recipe, index)
    labels = job.out / "metadata_dev" / SPLIT / f"{name}.csv"
    video = job.out / "video_dev" / SPLIT / f"{name}.mp4"
    if labels.is_file() and (video.is_file() or not job.video):
        return False
    scene = synthesizer.render(recipe)
    if job.video:
        frames = _pictures(job).render(scene, np.random.SeedSequence(job.seed, spawn_key=(index, 1)))
        write_scene(video, scene, frames, job.fps)
    write_clip(scene, job.out, name)
    return True


def write_clip(scene: Scene, out: Path, name: str) -> None:
    """Write sound, recipe and labels of a scene below `out`."""
    write_wav(out / "stereo_dev" / SPLIT / f"{name}.wav", scene.audio, SAMPLE_RATE)
    recipes = out / "recipes_dev" / SPLIT
    recipes.mkdir(parents=True, exist_ok=True)
    (recipes / f"{name}.json").write_text(scene.recipe.to_json() + "\n", encoding="utf-8")
    labels = out / "metadata_dev" / SPLIT / f"{name}.csv"
    labels.parent.mkdir(parents=True, exist_ok=True)
    write_table(labels, scene.labels)
