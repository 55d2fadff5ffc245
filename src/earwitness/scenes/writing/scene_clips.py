"""Renders and writes the clips of a set, each from its job and its index; the same in every worker."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from earwitness.core.errors import BankError, SynthesisError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_text
from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import Vocabulary
from earwitness.data.dcase.labels import write_table
from earwitness.media.sound.wav import write_wav
from earwitness.scenes.acoustics.microphones import Coincident, microphone_called
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.pictures import DCASE_FPS, CutoutLibrary, PictureRenderer, open_backgrounds, write_scene
from earwitness.scenes.renderer import SceneRenderer
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.scene import SAMPLE_RATE, Scene, SceneRecipe
from earwitness.scenes.synthesizer import Synthesizer

SPLIT: Final = "dev-train-synth"
FOLDERS: Final = ("stereo_dev", "recipes_dev", "metadata_dev", "video_dev")
"""Each has a subfolder `SPLIT` with a file per clip."""


@dataclass(frozen=True)
class RenderJob:
    """Settings for rendering a set of clips.

    Attributes:
        bank: folder of the sound bank.
        out: folder of the data set.
        seed: scene `i` depends only on (seed, i).
        split: split of the bank; None uses all sounds.
        rooms: the simulated RIR pool.
        scene: the distributions of the scenes.
        cache: folder of RIR pools; None takes the default.
        licences: use only sounds under these licences; None uses all.
        without: sounds of the bank to leave out.
        video: whether to render pictures.
        fps: pictures per second.
        cutouts: folder of the user's cut-outs; None: all are drawn.
        backgrounds: folder of the user's 360-degree photos and videos; None: rooms are drawn.
        classes: the classes of the bank; None: its own.
        measured: folder of a pool of measured rooms (`measured_rooms.measured_pool`), which replaces `rooms`.
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
    cutouts: Path | None = None
    backgrounds: Path | None = None
    measured: Path | None = None
    classes: Vocabulary | None = None

    def __hash__(self) -> int:
        """Hash of all fields; presets in `scene` contain mappings, which have no hash of their own."""
        plain = (getattr(self, field.name) for field in fields(self) if field.name != "scene")
        return hash((*plain, self.scene.model_dump_json()))

    def scene_seed(self, index: int) -> np.random.SeedSequence:
        """The seed of clip `index`."""
        return np.random.SeedSequence(self.seed, spawn_key=(index,))

    def synthesizer(self) -> Synthesizer:
        """The opened bank and rooms; cached for the process, for any output folder.

        Raises:
            BankError: the bank or the rooms cannot be used.
        """
        return _synthesizer(replace(self, out=Path()))

    def pictures(self, camera: Camera) -> PictureRenderer:
        """The renderer with the opened cut-outs and backgrounds; cached like `synthesizer`.

        Raises:
            MediaError: the user's files cannot be used.
        """
        return _pictures(replace(self, out=Path()), camera)


@lru_cache(maxsize=1)
def _synthesizer(job: RenderJob) -> Synthesizer:
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, without=job.without, classes=job.classes)
    pool = RirPool.open(job.rooms, job.cache) if job.measured is None else RirPool.load(job.measured)
    return Synthesizer(bank, pool, job.scene)


@lru_cache(maxsize=1)
def _pictures(job: RenderJob, camera: Camera) -> PictureRenderer:
    """The renderer; pictures show the rooms of the pool."""
    return PictureRenderer(
        CutoutLibrary(job.cutouts, vocabulary=job.synthesizer().bank.vocabulary),
        camera,
        job.fps,
        rooms=job.synthesizer().pool.rooms,
        panoramas=open_backgrounds(job.backgrounds) if job.backgrounds is not None else (),
    )


@dataclass(frozen=True, slots=True)
class KeptClip:
    """An existing clip.

    Attributes:
        name: name of the clip.
        recipe: JSON of its recipe; "" if it has none.
    """

    name: str
    recipe: str


def clip_name(recipe: SceneRecipe, index: int) -> str:
    """DCASE name of a clip; by convention, synthetic clips are in fold1."""
    return f"fold1_room{recipe.room + 1}_mix{index:03d}_deg{int(recipe.view_deg):03d}_start0000"


def kept_clips(job: RenderJob) -> dict[int, KeptClip]:
    """The complete clips in the folder of the job, by number."""
    kept = {}
    for labels in (job.out / "metadata_dev" / SPLIT).glob("fold1_room*_mix*_deg*_start0000.csv"):
        number = labels.stem.split("_mix")[1].split("_")[0]
        needed = [job.out / "stereo_dev" / SPLIT / f"{labels.stem}.wav"]
        needed += [job.out / "video_dev" / SPLIT / f"{labels.stem}.mp4"] if job.video else []
        if number.isdecimal() and all(path.is_file() for path in needed):
            recipe = job.out / "recipes_dev" / SPLIT / f"{labels.stem}.json"
            kept[int(number)] = KeptClip(labels.stem, recipe.read_text(encoding="utf-8") if recipe.is_file() else "")
    return kept


def render_clip(job: RenderJob, index: int, kept: KeptClip | None = None) -> bool:
    """Render clip `index` into the folder of the job; labels are written last, so that a clip with labels is complete.

    Args:
        job: settings of the set.
        index: number of the clip.
        kept: the existing clip, if there is one: it is checked and not rendered again.

    Returns:
        Whether the clip was rendered.

    Raises:
        SynthesisError: the existing clip was made with other options.
    """
    synthesizer = job.synthesizer()
    recipe = synthesizer.draft(job.scene_seed(index))
    name = clip_name(recipe, index)
    if kept is not None:
        _check_same(recipe, name, kept)
        return False
    scene = synthesizer.render(recipe)
    if job.video:
        write_pictures(job, scene, job.out / "video_dev" / SPLIT / f"{name}.mp4")
    write_clip(scene, job.out, name)
    return True


def write_clip(scene: Scene, out: Path, name: str) -> None:
    """Write sound, recipe and labels of a scene below `out`.

    Raises:
        EncodingError: a file cannot be written.
    """
    write_wav(out / "stereo_dev" / SPLIT / f"{name}.wav", scene.audio, SAMPLE_RATE)
    write_recipe(out / "recipes_dev" / SPLIT / f"{name}.json", scene.recipe)
    write_table(out / "metadata_dev" / SPLIT / f"{name}.csv", scene.labels)


def write_recipe(path: Path, recipe: SceneRecipe) -> None:
    """Write a recipe as JSON.

    Raises:
        EncodingError: the file cannot be written.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(recipe.to_json() + "\n", encoding="utf-8")


def write_pictures(job: RenderJob, scene: Scene, path: Path) -> None:
    """Write the video of a scene with the camera of its recipe."""
    frames = job.pictures(scene.recipe.camera).video_frames(scene, scene.recipe.picture_seed)
    write_scene(path, scene, frames, job.fps)


def render_recipe(
    job: RenderJob,
    path: Path,
    *,
    view_deg: float | None = None,
    microphone: str | None = None,
    noise: bool = True,
    stems: bool = False,
) -> Scene:
    """Render the recipe file `path` into the folder of the job: sound, labels, recipe, and optionally video and stems.

    Args:
        job: bank and rooms of the recipe, and the output folder.
        path: a recipe that `write_clip` or this function wrote.
        view_deg: another rotation of the camera and the microphone; None keeps that of the recipe.
        microphone: name of another microphone; None keeps that of the recipe. Only coincident ones keep its flaws.
        noise: whether to render the bed and the hiss.
        stems: write a sound file for each event and one for the noise as well; their sum is the scene with noise.

    Raises:
        BankError: there is no such recipe, or it was made with another bank or other rooms.
        UsageError: there is no such microphone.
        SynthesisError: files with these names exist that this function did not write.
    """
    recipe = read_recipe(path)
    _refuse_overwriting(job.out, path)
    if view_deg is not None:
        recipe = replace(recipe, view_deg=view_deg % 360)
    if microphone is not None:
        coincident = isinstance(microphone_called(microphone), Coincident)
        recipe = replace(recipe, microphone=microphone, flaws=recipe.flaws if coincident else None)
    synthesizer = job.synthesizer()
    renderer = SceneRenderer(synthesizer.bank, synthesizer.pool)
    scene = renderer.render(recipe, noise=noise)
    if job.video:
        write_pictures(job, scene, job.out / f"{path.stem}.mp4")
    write_wav(job.out / f"{path.stem}.wav", scene.audio, SAMPLE_RATE)
    write_recipe(job.out / f"{path.stem}.json", recipe)
    if stems:
        events, bed = renderer.stems(recipe)
        for number, (event, sound) in enumerate(zip(recipe.events, events, strict=True)):
            write_wav(job.out / f"{path.stem}_stem{number}_{event.kind}.wav", sound, SAMPLE_RATE)
        if noise:
            write_wav(job.out / f"{path.stem}_noise.wav", bed, SAMPLE_RATE)
    write_table(job.out / f"{path.stem}.csv", scene.labels)
    return scene


def read_recipe(path: Path) -> SceneRecipe:
    """Read a recipe file.

    Raises:
        BankError: the file is not a recipe; the message names it.
    """
    text = read_text(path, CARD_BYTES, BankError)
    try:
        return SceneRecipe.from_json(text)
    except BankError as error:
        raise BankError(f"'{path}': {error}") from error


def _refuse_overwriting(out: Path, path: Path) -> None:
    """Check that existing files have a recipe with them, and that `out` is not the folder of the recipe `path`."""
    if out.resolve() == path.parent.resolve():
        raise SynthesisError(f"'{out}' contains the recipe itself: give another folder with --out")
    there = [name for suffix in (".wav", ".csv", ".mp4", ".json") if (name := out / f"{path.stem}{suffix}").exists()]
    try:
        if there:
            read_recipe(out / f"{path.stem}.json")
    except BankError:
        raise SynthesisError(f"'{there[0]}' exists and is not of a scene: give another folder with --out") from None


def _check_same(recipe: SceneRecipe, name: str, kept: KeptClip) -> None:
    same = kept.name == name
    if same and kept.recipe:
        found = SceneRecipe.from_json(kept.recipe)
        # Old recipes have no pool and no seed.
        same = replace(found, pool=found.pool or recipe.pool, seed=found.seed or recipe.seed) == recipe
    if not same:
        raise SynthesisError(
            f"the clip {kept.name} in the output folder was made with another seed, bank or options; "
            "use the same ones to resume that set, or another --out"
        )
