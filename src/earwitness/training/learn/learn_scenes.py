"""Scenes with the new classes and everything else, as outputs of the shipped network's body, which stays unchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from threading import Event
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError, TrainingError, WorkerError
from earwitness.core.events import COLUMNS, EventTable
from earwitness.core.files.atomic import atomic_file
from earwitness.core.isolation import Limits, run_isolated
from earwitness.core.multi_accddoa import MAX_TRACKS, encode
from earwitness.core.vocabulary import Vocabulary
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.models.seld import BodyOutput, SeldNet
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.scenes.bank.sound_bank import BACKGROUND, INTERFERENCE, BankSound, SoundBank
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.synthesizer import Synthesizer
from earwitness.training.data.augment import swap_clip
from earwitness.training.learn.class_columns import body_network
from earwitness.training.learn.user_sounds import UserSounds

Progress = Callable[[int, int], None]

NEW_SHARE: Final = 0.6
"""Share of the events that are of new classes, where there are others."""
_PART: Final = 8
"""Scenes that a process renders at a time."""
_SCENE: Final = SceneConfig(
    event_weights=(0.3, 0.36, 0.24, 0.1), wide_speed=(0.85, 1.18), band_probability=0.25, tone_db=4.0,
    peak_db=(-30.0, -0.5), snr_db=(5.0, 45.0), interference_probability=0.45, moving_probability=0.15,
)  # fmt: skip
"""As in the training of the shipped model, with fewer events and more sounds of no class."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneJob:
    """What a process needs to render scenes; picklable.

    Attributes:
        banks: the sounds of each fold, with all classes of the model.
        config: distributions of the scenes.
        base: name of the shipped model.
        features: features of the model.
        rooms: the rooms.
        seed: of the scenes.
        cache: folder of the rooms; None takes the default.
    """

    banks: tuple[SoundBank, ...]
    config: SceneConfig
    base: str
    features: FeatureConfig
    rooms: PoolConfig
    seed: int
    cache: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LearnScenes:
    """Rendered scenes.

    Attributes:
        bodies: for each field of `BodyOutput` (n, T, width), float16; None where the network has none.
        active, values: (n, T, 3, classes), (n, T, 3, classes, 4) targets.
        fold: (n,) fold of the recordings of new classes in each scene.
        references: the events of each scene.
    """

    bodies: tuple[NDArray[np.float16] | None, ...]
    active: NDArray[np.bool_]
    values: NDArray[np.float16]
    fold: NDArray[np.int64]
    references: tuple[EventTable, ...]

    def body(self, rows: NDArray[np.intp]) -> BodyOutput:
        """The outputs of the body for some scenes."""
        return BodyOutput(*(None if part is None else torch.from_numpy(part[rows]).float() for part in self.bodies))  # type: ignore[arg-type]


def render_scenes(job: SceneJob, scenes: int, folder: Path, workers: int, progress: Progress) -> LearnScenes:
    """Render scenes in some processes; those that an earlier call with the same job has rendered are read.

    Scene k depends on (seed, k) only, and uses the bank k modulo their number.

    Args:
        job: what to render.
        scenes: number of scenes.
        folder: keeps the scenes, in files of up to 8.
        workers: number of processes.
        progress: called with (scenes done, scenes).

    Raises:
        BankError: a recording or a room cannot be used.
        TrainingError: a process died.
        EncodingError: a file cannot be written.
    """
    numbers = [range(first, min(first + _PART, scenes)) for first in range(0, scenes, _PART)]
    vocabulary = job.banks[0].vocabulary
    missing = [part for part in numbers if read_scenes(_file(folder, part), len(part), vocabulary) is None]
    done = scenes - sum(map(len, missing))
    if done:
        progress(done, scenes)
    _render_missing(job, missing, folder, workers, lambda more: progress(done + more, scenes))
    parts = [read_scenes(_file(folder, part), len(part), vocabulary) for part in numbers]
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        raise TrainingError(f"scenes in '{folder}' were changed by another program; give the command again")
    bodies = [
        None if whole[0].bodies[number] is None else np.concatenate([part.bodies[number] for part in whole])
        for number in range(len(BodyOutput._fields))
    ]
    return LearnScenes(
        tuple(bodies),
        np.concatenate([part.active for part in whole]),
        np.concatenate([part.values for part in whole]),
        np.arange(scenes) % len(job.banks),
        tuple(table for part in whole for table in part.references),
    )


def _render_missing(
    job: SceneJob, missing: Sequence[range], folder: Path, workers: int, progress: Callable[[int], None]
) -> None:
    """Render the files that are missing; `progress` is called with the number of new scenes."""
    if workers <= 1 or len(missing) <= 1:
        render_parts(job, missing, folder, progress)
        return
    new, stop = [0] * workers, Event()

    def rendered(worker: int, count: int) -> None:
        new[worker] = count
        progress(sum(new))

    with ThreadPoolExecutor(workers) as threads:
        calls = [
            threads.submit(
                run_isolated, render_parts, job, missing[worker::workers], folder,
                limits=Limits(None, None, None), on_progress=partial(rendered, worker), cancelled=stop, name="scenes",
            )
            for worker in range(workers)
        ]  # fmt: skip
        try:
            for call in as_completed(calls):
                call.result()
        except WorkerError as error:
            raise TrainingError("a process that renders scenes died; if memory ran out, use --workers 1") from error
        finally:
            stop.set()
    if sum(new) < (total := sum(map(len, missing))):  # not every report arrives
        progress(total)


def render_parts(job: SceneJob, parts: Sequence[range], folder: Path, report: Callable[[int], None]) -> None:
    """Render scenes, each range of them into a file; `report` is called with the number of scenes so far."""
    done = 0
    renderer = _Renderer(job) if parts else None
    for part in parts:
        assert renderer is not None
        _write(_file(folder, part), renderer.render(part))
        report(done := done + len(part))


def _file(folder: Path, part: range) -> Path:
    return folder / f"{part.start:06d}.npz"


def _write(path: Path, scenes: LearnScenes) -> None:
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in scenes.references]) for name in COLUMNS
    }
    arrays |= {f"body_{number}": body for number, body in enumerate(scenes.bodies) if body is not None}
    arrays |= {"active": scenes.active, "values": scenes.values, "rows": [len(one) for one in scenes.references]}
    with atomic_file(path) as temporary:
        np.savez(temporary, **arrays)


def read_scenes(path: Path, count: int, vocabulary: Vocabulary) -> LearnScenes | None:
    """Read the scenes of a file; None if it is missing, or not what `render_scenes` wrote for so many scenes."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        shape = (count, arrays["active"].shape[1], MAX_TRACKS, len(vocabulary))
        bodies = [arrays.get(f"body_{number}") for number in range(len(BodyOutput._fields))]
        first = np.cumsum(arrays["rows"])[:-1]
        columns = {name: np.split(arrays[name], first) for name in COLUMNS}
        tables = [
            EventTable.from_mapping({name: columns[name][row] for name in COLUMNS}, shape[1], vocabulary)
            for row in range(count)
        ]
        whole = (
            (arrays["active"].shape, arrays["values"].shape, arrays["rows"].shape) == (shape, (*shape, 4), (count,))
            and bodies[0] is not None
            and all(body is None or body.shape[:2] == shape[:2] for body in bodies)
        )
    except (OSError, ValueError, KeyError, IndexError, TypeError, BadZipFile, EarwitnessError):
        return None
    fold = np.zeros(count, np.int64)
    return LearnScenes(tuple(bodies), arrays["active"], arrays["values"], fold, tuple(tables)) if whole else None


class _Renderer:
    """Renders scenes and runs the network's body on them."""

    def __init__(self, job: SceneJob) -> None:
        torch.set_num_threads(1)
        self._job, self._extractor = job, FeatureExtractor(job.features)
        pool = RirPool.open(job.rooms, job.cache)
        self._synthesizers = [Synthesizer(bank, pool, job.config) for bank in job.banks]
        self._net: SeldNet = body_network(job.base, job.features)

    def render(self, numbers: Sequence[int]) -> LearnScenes:
        made = [self._scene(number) for number in numbers]
        with torch.inference_mode():
            body = self._net.body(torch.from_numpy(np.stack([features for features, *_ in made])).float())
        body = body._replace(maps=None)  # the heads of the classes do without them
        return LearnScenes(
            tuple(None if part is None else part.numpy().astype(np.float16) for part in body),
            np.stack([targets.active for _, targets, _ in made]),
            np.stack([targets.values.astype(np.float16) for _, targets, _ in made]),
            np.zeros(len(made), np.int64),
            tuple(table for *_, table in made),
        )

    def _scene(self, number: int) -> tuple[Any, Any, EventTable]:
        seed = np.random.SeedSequence(self._job.seed, spawn_key=(number,))
        scene = self._synthesizers[number % len(self._synthesizers)].scene(seed)
        config, table = self._job.features, scene.labels
        features = self._extractor(scene.audio)[:, : table.num_frames * config.frames_per_label + config.closing_frames]
        targets = encode(table)
        if np.random.default_rng(seed).integers(2):
            features, targets = swap_clip(features, targets, config)
            table = table.mirrored()
        return features, targets, table


def scene_config(new: Vocabulary, vocabulary: Vocabulary) -> SceneConfig:
    """Distributions of the scenes: new classes are more frequent than the others."""
    others = len(vocabulary) - len(new)
    if not others:
        return _SCENE
    weights = tuple(NEW_SHARE / len(new) if new.find(one.slug) else (1 - NEW_SHARE) / others for one in vocabulary)
    return _SCENE.model_copy(update={"class_weights": weights})


def scene_bank(user: UserSounds, fold: int, vocabulary: Vocabulary) -> SoundBank:
    """The recordings of a fold and the shipped ones; shipped classes that the model does not keep are interference."""
    own = [replace(sound, name=str((user.folder / sound.name).absolute())) for sound in user.of_fold(fold)]
    return SoundBank(user.folder, (*own, *shipped_sounds(vocabulary)), vocabulary=vocabulary)


def shipped_sounds(vocabulary: Vocabulary) -> list[BankSound]:
    """The recordings that ship with earwitness, with absolute names."""
    with as_file(files("earwitness") / "assets" / "learn") as root:
        bank = SoundBank.open(root)
        unusable = unusable_sounds(bank)
    known = (*vocabulary.slugs, BACKGROUND)
    return [
        replace(
            sound, name=str((root / sound.name).absolute()), kind=sound.kind if sound.kind in known else INTERFERENCE
        )
        for sound in bank.sounds
        if sound.name not in unusable
    ]
