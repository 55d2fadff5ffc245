"""Scenes with the new classes and everything else, as outputs of the shipped network's body, which stays unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from earwitness.core.errors import TrainingError
from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode
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


def render_scenes(job: SceneJob, scenes: int, workers: int, progress: Progress) -> LearnScenes:
    """Render scenes in some processes.

    Scene k depends on (seed, k) only, and uses the bank k modulo their number.

    Raises:
        BankError: a recording or a room cannot be used.
        TrainingError: a process died.
    """
    parts: list[_Part] = []
    for part in _parts(job, scenes, workers):
        parts.append(part)
        progress(min(len(parts) * _PART, scenes), scenes)
    parts.sort(key=lambda part: part.first)
    bodies = [
        None if parts[0].bodies[number] is None else np.concatenate([part.bodies[number] for part in parts])
        for number in range(len(BodyOutput._fields))
    ]
    return LearnScenes(
        tuple(bodies),
        np.concatenate([part.active for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.arange(scenes) % len(job.banks),
        tuple(table for part in parts for table in part.references),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    first: int
    bodies: tuple[Any, ...]
    active: NDArray[np.bool_]
    values: NDArray[np.float16]
    references: tuple[EventTable, ...]


def _parts(job: SceneJob, scenes: int, workers: int) -> Iterator[_Part]:
    numbers = [range(first, min(first + _PART, scenes)) for first in range(0, scenes, _PART)]
    if workers <= 1:
        renderer = _Renderer(job)
        yield from map(renderer.render, numbers)
        return
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start, initargs=(job,)) as pool:
            try:
                yield from pool.map(_render, numbers)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool as error:
        raise TrainingError("a process that renders scenes died; if memory ran out, use --workers 1") from error


_JOB: list[SceneJob] = []
"""The job of a worker process."""


def _start(job: SceneJob) -> None:
    _JOB[:] = [job]


def _render(numbers: Sequence[int]) -> _Part:
    return _worker().render(numbers)


@lru_cache(maxsize=1)
def _worker() -> _Renderer:
    return _Renderer(_JOB[0])


class _Renderer:
    """Renders scenes and runs the network's body on them."""

    def __init__(self, job: SceneJob) -> None:
        torch.set_num_threads(1)
        self._job, self._extractor = job, FeatureExtractor(job.features)
        pool = RirPool.open(job.rooms, job.cache)
        self._synthesizers = [Synthesizer(bank, pool, job.config) for bank in job.banks]
        self._net: SeldNet = body_network(job.base, job.features)

    def render(self, numbers: Sequence[int]) -> _Part:
        made = [self._scene(number) for number in numbers]
        with torch.inference_mode():
            body = self._net.body(torch.from_numpy(np.stack([features for features, *_ in made])).float())
        return _Part(
            numbers[0],
            tuple(None if part is None else part.numpy().astype(np.float16) for part in body),
            np.stack([targets.active for _, targets, _ in made]),
            np.stack([targets.values.astype(np.float16) for _, targets, _ in made]),
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
