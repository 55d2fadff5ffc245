"""Opens what a recipe learns from: what is damaged is named, and what is held out is never trained on.

Opens the synthesizer that a recipe asks for: train and valid never share sounds or rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
from pydantic import ValidationError

from earwitness.core.errors import LabelError, RecipeError
from earwitness.data.clips import FolderClips, open_clips
from earwitness.data.dcase.layout import Clip, scan
from earwitness.data.shard import Shard, open_shard
from earwitness.features import FeatureConfig
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.training.data.clip_mix import ClipMix, ClipPass, Endless, Joined, Shuffled, Subset
from earwitness.training.data.clip_stream import SourceFactory
from earwitness.training.data.holdout import chosen_clips, hold_out
from earwitness.training.recipe import DataSpec, FolderSpec

VALID_ROOMS: Final = 40
_VALID_SEED_OFFSET: Final = 1_000_003
"""Added to the pool's seed for validation, so that its rooms are never heard in training."""
_TRAINING_ONLY: Final = ("class_weights", "speed", "wide_speed", "tone_db", "band_probability", "peak_db", "snr_db")
"""Settings of scenes that widen what is learnt and have no place in what is measured."""

_Config = TypeVar("_Config", PoolConfig, SceneConfig)


@dataclass(frozen=True, slots=True)
class OpenSynthesizer:
    """A picklable factory of the recipe's synthesizer for one split.

    Attributes:
        spec: the recipe's data section.
        split: which sounds of the bank, and which rooms.
    """

    spec: DataSpec
    split: Literal["train", "valid"]

    def __call__(self) -> Synthesizer:
        """Open the bank, without what of it cannot be used, and the pool of rooms; builds it when it is not cached."""
        return Synthesizer.from_bank(
            self.spec.bank, split=self.split, rooms=self.pool(), config=self.scene(), cache=self.spec.cache,
            without=unusable_sounds(self.spec.bank),
        )  # fmt: skip

    def pool(self) -> PoolConfig:
        """Rooms of this split."""
        pool = _checked(PoolConfig, self.spec.pool, "data.pool")
        if self.split == "train":
            return pool
        return pool.model_copy(update={"rooms": min(pool.rooms, VALID_ROOMS), "seed": pool.seed + _VALID_SEED_OFFSET})

    def scene(self) -> SceneConfig:
        """Distributions of this split; those of validation are neither weighted nor widened."""
        scene = _checked(SceneConfig, self.spec.scene, "data.scene")
        if self.split == "train":
            return scene
        plain = SceneConfig()
        return scene.model_copy(update={name: getattr(plain, name) for name in _TRAINING_ONLY})


def _checked(kind: type[_Config], values: dict[str, object], name: str) -> _Config:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"{name}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


Progress = Callable[[str, int, int], None]
"""Called with (folder, clips done, clips in all)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A factory of something that is open already; picklable, since sets pickle as names of files.

    Attributes:
        source: a `ClipMix` or a `ClipPass`.
    """

    source: Any

    def __call__(self) -> Any:
        """The source."""
        return self.source


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a recipe's clips come from.

    Attributes:
        train, valid: factories for the streams of training and validation.
        train_clips, valid_clips: clips in folders; None where scenes are endless.
        skipped: damaged clips of the folders, by folder and clip id, or sounds of the bank, with the reason.
    """

    train: SourceFactory
    valid: SourceFactory
    train_clips: int | None = None
    valid_clips: int | None = None
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ScenesByNumber:
    """Endless scenes from the bank, as one part of a mix.

    Attributes:
        open_source: opens the synthesizer, once a process.
        seed: scene k depends on (seed, k) only.
    """

    open_source: OpenSynthesizer
    seed: int
    _source: Synthesizer | None = None

    def draw(self, number: int) -> Any:
        """Scene `number`."""
        source = self._source = self._source or self.open_source()
        return source.scene(np.random.SeedSequence(self.seed, spawn_key=(0, number)))


def open_sources(
    spec: DataSpec, features: FeatureConfig, progress: Progress | None = None, workers: int = 1
) -> Sources:
    """Open what a recipe learns from: the bank, or its folders; with `spec.shards`, compute what is not there yet.

    Args:
        spec: the recipe's data section.
        features: what to compute.
        progress: called while features are computed.
        workers: processes that compute them.

    Raises:
        RecipeError: a folder, split or room that is not there, or without usable clips; or validation clips that are
            trained on too.
    """
    if not spec.folders:
        skipped = unusable_sounds(spec.bank)
        return Sources(OpenSynthesizer(spec, "train"), OpenSynthesizer(spec, "valid"), skipped=skipped)
    try:
        return _open(spec, features, progress, workers)
    except LabelError as error:
        raise RecipeError(f"data.folders: {error} (the recipe's first lines say what it needs)") from error


def _open(spec: DataSpec, features: FeatureConfig, progress: Progress | None, workers: int) -> Sources:
    specs = [*spec.folders, *([spec.valid_folder] if spec.valid_folder else [])]
    chosen = [_chosen(one) for one in specs]
    sets = [
        _open_set(one, clips, spec, features, progress, workers) for one, clips in zip(specs, chosen, strict=True)
    ]  # fmt: skip
    count = len(spec.folders)
    parted = hold_out([one.clips for one in sets[:count]], spec.valid_rooms)
    train = [_part(one, clips) for one, (clips, _) in zip(sets, parted, strict=False)]
    valid = [_part(one, clips) for one, (_, clips) in zip(sets, parted, strict=False) if clips]
    valid += [_part(one, one.clips) for one in sets[count:]]
    _refuse_overlap(
        [clip for clips, _ in parted for clip in clips], [clip for one in sets[count:] for clip in one.clips]
    )
    if not sum(map(len, valid)):
        raise LabelError("no validation clips are left; hold out other rooms")
    parts: list[tuple[Endless, float]] = [
        (Shuffled(clips, _seed(spec.seed, number)), one.weight)
        for number, (one, clips) in enumerate(zip(spec.folders, train, strict=True))
    ]
    if spec.bank_weight:
        parts.append((ScenesByNumber(OpenSynthesizer(spec, "train"), spec.seed), spec.bank_weight))
    skipped = {f"{one.root}/{name}": reason for one, part in zip(specs, sets, strict=True)
               for name, reason in part.skipped.items()}  # fmt: skip
    return Sources(
        Opened(ClipMix(parts, spec.seed)), Opened(ClipPass(Joined(valid), spec.valid_seed)),
        sum(map(len, train)), sum(map(len, valid)), skipped,
    )  # fmt: skip


def _chosen(spec: FolderSpec) -> tuple[Clip, ...]:
    return chosen_clips(scan(Path(spec.root)), spec.splits)


def _open_set(
    spec: FolderSpec, clips: tuple[Clip, ...], data: DataSpec, features: FeatureConfig, progress: Progress | None,
    workers: int,
) -> Shard | FolderClips:  # fmt: skip
    if data.shards is None:
        return open_clips(clips, features.sample_rate)
    return open_shard(
        clips, features, Path(data.shards), workers=workers,
        progress=None if progress is None else lambda done, total: progress(spec.root, done, total),
    )  # fmt: skip


def _part(clips: Shard | FolderClips, members: tuple[Clip, ...]) -> Subset:
    wanted = {clip.id for clip in members}
    return Subset(clips, [index for index, clip in enumerate(clips.clips) if clip.id in wanted])


def _refuse_overlap(train: Iterable[Clip], valid: Iterable[Clip]) -> None:
    heard = {clip.sound.resolve() for clip in train if clip.sound}
    for clip in valid:
        if clip.sound and clip.sound.resolve() in heard:
            raise LabelError(f"{clip.sound} is trained on, so it cannot be in data.valid_folder too")


def _seed(seed: int, number: int) -> int:
    """A seed of its own for each folder, so that equal folders do not go in step."""
    return int(np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1)[0])
