"""Writes synthetic scenes as a DCASE2025 data set with any engine.

The credits of a set list every sound in it with its licence and attribution.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from earwitness.core.errors import SynthesisError, UsageError
from earwitness.core.files.atomic import atomic_file, remove_partial_files
from earwitness.scenes.bank.sound_bank import BankSound, SoundBank
from earwitness.scenes.scene import Scene, SceneRecipe
from earwitness.scenes.writing.engines import Engine, Processes
from earwitness.scenes.writing.render_job import RenderJob
from earwitness.scenes.writing.scene_clips import FOLDERS, SPLIT, kept_clips, read_recipe

FILE_NAME: Final = "CREDITS.csv"
_COLUMNS: Final = ("file", "class", "clips", "licence", "attribution")


def sounds_of(recipe: SceneRecipe) -> set[str]:
    """Names of all bank sounds in a scene, including the background."""
    names = {name for event in recipe.events for name in event.sounds}
    return names | ({recipe.noise.sound} if recipe.noise.sound is not None else set())


def refuse_foreign(folder: Path) -> None:
    """Check that an existing credits file is that of a set.

    Raises:
        SynthesisError: it is another file.
        UsageError: `folder` is not a folder.
    """
    path, first = folder / FILE_NAME, b""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is not a folder: give another one with --out")
    if not path.exists():
        return
    with suppress(OSError), path.open("rb") as file:
        first = file.readline(200)
    if first.strip() != ",".join(_COLUMNS).encode():
        raise SynthesisError(f"'{path}' exists and is not of a set: give another folder with --out")


def write_credits(folder: Path, bank: SoundBank) -> Path:
    """Write `CREDITS.csv` (columns file, class, clips, licence, attribution) for the recipes below `folder`.

    It is created from the recipes in the folder, so that it does not depend on workers or restarts. Sounds that are not
    in this bank are listed as such.

    Raises:
        BankError: a recipe is damaged.
        EncodingError: the file cannot be written.
    """
    clips: dict[str, int] = {}
    for path in sorted((folder / "recipes_dev").rglob("fold*_room*_mix*.json")):
        for name in sounds_of(read_recipe(path)):
            clips[name] = clips.get(name, 0) + 1
    target = folder / FILE_NAME
    refuse_foreign(folder)
    with atomic_file(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for name in sorted(clips):
            sound = bank.find(name) or BankSound(name, "", attribution="not in this bank")
            writer.writerow([name, sound.kind, clips[name], sound.licence, sound.attribution])
    return target


def render_folder(
    job: RenderJob,
    clips: int,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    engine: Engine | None = None,
) -> int:
    """Render clips 0 .. clips - 1 of `job` into its folder, with credits; existing clips are kept.

    Args:
        job: settings of the set.
        clips: number of clips.
        workers: number of processes; it does not affect the files.
        progress: called with (clips done, total clips).
        engine: engine to use instead of processes on this machine.

    Returns:
        Number of clips that were rendered.

    Raises:
        SynthesisError: the folder has clips made with other options, or the engine failed.
        EncodingError: a file cannot be written.
        BankError: a sound or a room cannot be used.
    """
    for folder in (job.out, *(job.out / folder / SPLIT for folder in FOLDERS)):
        remove_partial_files(folder)
    kept = kept_clips(job)
    tasks = [(index, kept.get(index)) for index in range(clips)]
    job.synthesizer()  # builds the pool once, before the workers open it
    rendered = 0
    for done, new in enumerate((engine or Processes(workers)).run(job, tasks), start=1):
        rendered += new
        if progress:
            progress(done, clips)
    write_credits(job.out, job.synthesizer().bank)
    return rendered


def first_scenes(job: RenderJob, clips: int) -> list[Scene]:
    """Scenes of clips 0 .. clips - 1, rendered again for a preview."""
    return [job.synthesizer().scene(job.scene_seed(index)) for index in range(clips)]
