"""Writes synthetic scenes as a DCASE2025 data set, with local processes or a Ray cluster; both write the same files.

The credits of a set list every sound in it with its licence and attribution. Its options are recorded, so that a
resumed run uses the same ones.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

from earwitness.core.errors import SynthesisError, UsageError
from earwitness.core.files.atomic import atomic_file, remove_partial_files
from earwitness.core.ray_cluster import connected
from earwitness.scenes.bank.sound_bank import BankSound, SoundBank
from earwitness.scenes.scene import Scene, SceneRecipe
from earwitness.scenes.writing.scene_clips import (
    FOLDERS,
    SPLIT,
    KeptClip,
    RenderJob,
    kept_clips,
    read_recipe,
    render_clip,
)

CREDITS_NAME: Final = "CREDITS.csv"
_CREDITS_COLUMNS: Final = ("file", "class", "clips", "licence", "attribution")

Task = tuple[int, KeptClip | None]
_RAY_BATCH: Final = 8
_QUEUED_PER_CPU: Final = 2

OPTIONS_NAME: Final = ".earwitness-set.json"
RECORDINGS: Final = "recordings"
"""Name of the entry with a digest of the recordings that the clips are cut from; not an option."""


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
    path, first = folder / CREDITS_NAME, b""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is not a folder: give another one with --out")
    if not path.exists():
        return
    with suppress(OSError), path.open("rb") as file:
        first = file.readline(200)
    if first.strip() != ",".join(_CREDITS_COLUMNS).encode():
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
    target = folder / CREDITS_NAME
    refuse_foreign(folder)
    with atomic_file(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_CREDITS_COLUMNS)
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


class Engine(Protocol):
    """Renders clips."""

    def run(self, job: RenderJob, tasks: Sequence[Task]) -> Iterator[bool]:
        """Render the clips of `tasks` into the folder of the job; yields for each, in any order, whether it is new.

        Raises:
            SynthesisError: the engine failed; finished clips are kept.
        """


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes on this machine; with one worker, clips are rendered in this process.

    Attributes:
        workers: number of processes.
    """

    workers: int = 1

    def run(self, job: RenderJob, tasks: Sequence[Task]) -> Iterator[bool]:
        """See `Engine.run`."""
        if self.workers <= 1:
            yield from (render_clip(job, *task) for task in tasks)
            return
        indices, kept = zip(*tasks, strict=True) if tasks else ((), ())
        chunk = max(1, min(32, len(tasks) // (4 * self.workers)))
        try:
            with ProcessPoolExecutor(self.workers, mp_context=get_context("spawn")) as executor:
                yield from executor.map(render_clip, [job] * len(tasks), indices, kept, chunksize=chunk)
        except BrokenProcessPool as error:
            raise SynthesisError(
                f"a worker was killed ({error}); if memory ran out, use fewer --workers; finished clips are kept"
            ) from error


@dataclass(frozen=True, slots=True)
class RayCluster:
    """A Ray cluster: nodes render clips and this machine writes them, so that nodes need only the bank.

    Attributes:
        address: address of a running cluster; None uses the one that this process is connected to, or starts one on
            this machine and stops it afterwards.
        workers: CPUs of the cluster that is started.
    """

    address: str | None = None
    workers: int = 1

    def run(self, job: RenderJob, tasks: Sequence[Task]) -> Iterator[bool]:
        """See `Engine.run`."""
        # Existing clips are checked here, since only this machine has them.
        yield from (render_clip(job, *task) for task in tasks if task[1] is not None)
        missing = [index for index, kept in tasks if kept is None]
        if missing:
            with connected(self.address, self.workers) as ray:
                try:
                    yield from _render_on_cluster(ray, job, missing)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                except ray.exceptions.RayError as error:
                    raise SynthesisError(f"the Ray cluster failed ({error}); finished clips are kept") from error


def _render_on_cluster(ray: Any, job: RenderJob, indices: Sequence[int]) -> Iterator[bool]:
    """Render clips on the cluster with a limited number of pending batches per CPU."""
    render = ray.remote(_render_batch).options(num_cpus=1)
    shared_job = ray.put(job)
    most = max(1, int(ray.cluster_resources().get("CPU", 1))) * _QUEUED_PER_CPU
    size = max(1, min(_RAY_BATCH, len(indices) // most))
    batches = (indices[start : start + size] for start in range(0, len(indices), size))
    running: list[Any] = [render.remote(shared_job, batch) for batch in islice(batches, most)]
    while running:
        (done,), running = ray.wait(running, num_returns=1)
        running.extend(render.remote(shared_job, batch) for batch in islice(batches, 1))
        for files in ray.get(done):
            _write(job.out, files)
            yield True


def _render_batch(job: RenderJob, indices: Sequence[int]) -> list[dict[str, bytes]]:
    """Render clips on a node; returns the files of each clip, labels last."""
    rendered = []
    for index in indices:
        with TemporaryDirectory() as folder:
            render_clip(replace(job, out=Path(folder)), index)
            paths = sorted(Path(folder).rglob("*"), key=lambda path: ("metadata_dev" in path.parts, path))
            files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
        rendered.append(files)
    return rendered


def _write(out: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        with atomic_file(out / name) as temporary:
            temporary.write_bytes(content)


def keep_to_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Record the options of a new set, or check them against those of an existing one.

    Args:
        folder: folder of the set.
        options: plain values, by the names of the command-line options.

    Raises:
        SynthesisError: the set was made with other options; the message names one.
        EncodingError: the record cannot be written.
    """
    path, before = folder / OPTIONS_NAME, dict[str, Any]()
    with suppress(OSError, ValueError, TypeError):
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    # The options of a set without clips may change.
    for name, value in options.items() if any(folder.glob("*_dev/*/*")) else ():
        if name in before and before[name] != value:
            what = f"--{name} {before[name]}, not {value}"
            if name == RECORDINGS:
                what = "other recordings than the present ones"
            raise SynthesisError(f"'{folder}' holds clips made with {what}: give another folder with --out")
    if dict(options) != before:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(before | dict(options), indent=1) + "\n", encoding="utf-8")
