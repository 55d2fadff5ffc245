"""Training and validation sources of a recipe: folders of clips, or the synthesizer.

Both never share sounds or rooms, and damaged clips are left out and reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
from pydantic import ValidationError

from earwitness.core.errors import BankError, LabelError, RecipeError
from earwitness.core.vocabulary import Vocabulary
from earwitness.data.clips import FolderClips, open_clips, refuse_metres
from earwitness.data.dcase.layout import Clip, scan
from earwitness.data.shard import Shard, open_shard
from earwitness.features import FeatureConfig
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer
from earwitness.scenes.acoustics.rir_pool import RirPool
from earwitness.scenes.bank.adaptors import is_published, list_sounds
from earwitness.scenes.bank.bank_check import copies_between, unusable_sounds
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.bank.splits import without_split
from earwitness.scenes.writing.synthesis import named_classes
from earwitness.training.data.clip_mix import ClipMix, ClipPass, ClipSource, JoinedClips, ShuffledClips, Subset
from earwitness.training.data.clip_stream import SourceFactory
from earwitness.training.data.data_splits import choose_rooms, chosen_clips, hold_out, refuse_overlap
from earwitness.training.recipe_sections import DataSpec, FolderSpec

SPLITS: Final[tuple[Literal["train", "valid"], ...]] = ("train", "valid")
VALID_ROOMS: Final = 40
_VALID_SEED_OFFSET: Final = 1_000_003
"""Added to the pool's seed for validation, so that training and validation use different rooms."""
_TRAINING_ONLY: Final = ("class_weights", "speed", "wide_speed", "tone_db", "band_probability", "peak_db", "snr_db",
                         "preset_share")  # fmt: skip
"""Settings of scenes that augment training and do not apply to validation."""

_Config = TypeVar("_Config", PoolConfig, SceneConfig)


@dataclass(frozen=True, slots=True)
class OpenSynthesizer:
    """A picklable factory of the recipe's synthesizer for one split.

    Attributes:
        spec: the recipe's data section.
        split: selects the sounds of the bank and the rooms.
        without: names of sounds to leave out, from `skipped_sounds`; None leaves out the unusable ones only.
    """

    spec: DataSpec
    split: Literal["train", "valid"]
    without: tuple[str, ...] | None = None

    def __call__(self) -> Synthesizer:
        """Open the bank without its unusable sounds, and the pool of rooms, which is built if it is not cached."""
        without = _unusable(self.spec) if self.without is None else self.without
        classes = named_classes(self.spec.classes)
        bank = SoundBank.open(self.spec.bank, self.split, without=without, weights=self.weights(), classes=classes)
        return Synthesizer(bank, RirPool.open(self.pool(), self.spec.cache), self.scene())

    def weights(self) -> dict[str, float]:
        """How often sounds are drawn; validation leaves out the same sounds and draws the others equally often."""
        weights = self.spec.weights
        return weights if self.split == "train" else {name: weight for name, weight in weights.items() if not weight}

    def pool(self) -> PoolConfig:
        """Rooms of this split."""
        pool = _checked(PoolConfig, self.spec.pool, "data.pool")
        if self.split == "train":
            return pool
        return pool.model_copy(update={"rooms": min(pool.rooms, VALID_ROOMS), "seed": pool.seed + _VALID_SEED_OFFSET})

    def scene(self) -> SceneConfig:
        """Scene distributions of this split; those of validation are neither weighted nor augmented."""
        scene = _checked(SceneConfig, self.spec.scene, "data.scene")
        if self.split == "train":
            return scene
        plain = SceneConfig()
        return scene.model_copy(update={name: getattr(plain, name) for name in _TRAINING_ONLY})


def _unusable(spec: DataSpec) -> dict[str, str]:
    return unusable_sounds(SoundBank.open(spec.bank, classes=named_classes(spec.classes)))


def skipped_sounds(
    root: str, progress: Callable[[int, int], None] | None = None, classes: Vocabulary | None = None
) -> dict[str, str]:
    """Sounds of a bank that are used neither for training nor for validation, with the reason; cached.

    These are unusable sounds; sounds without a split where others have one; and, in a bank split by groups only,
    validation sounds of which training has a copy, at any level and in any format.

    Args:
        root: of the bank.
        progress: called with (sounds compared, total number of sounds).
        classes: classes of the bank; None: its own.

    Raises:
        BankError: there is no such bank, a split has no target classes, or a recording is in both splits.
    """
    skipped = unusable_sounds(SoundBank.open(root, classes=classes))
    listed = list_sounds(Path(root), classes=classes)
    skipped |= dict.fromkeys(without_split(listed), "has no split, while other sounds of the bank have one")
    train, valid = (SoundBank.open(root, split, without=skipped, classes=classes) for split in SPLITS)
    if is_published(Path(root)):
        return skipped
    copies = copies_between(train, valid, progress=progress)
    if copies and any(sound.split for sound in listed):
        raise BankError(
            f"the bank at '{root}': '{copies[0][0]}' (train) and '{copies[0][1]}' (valid) are the same recording; "
            f"remove one, or put both into one split ({len(copies)} such pairs)"
        )
    return skipped | {valid: f"is the same recording as the training sound '{train}'" for train, valid in copies}


def _checked(kind: type[_Config], values: dict[str, object], name: str) -> _Config:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"{name}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


Progress = Callable[[str, int, int], None]
"""Called with (folder, clips done, total number of clips)."""


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A factory that returns an opened source; picklable, since sets pickle as file names.

    Attributes:
        source: a `ClipMix` or a `ClipPass`.
    """

    source: Any

    def __call__(self) -> Any:
        """The source."""
        return self.source


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources of a recipe's clips.

    Attributes:
        train, valid: factories of the training and validation sources.
        train_clips, valid_clips: number of clips in folders; None for scenes synthesized on the fly.
        skipped: damaged clips of the folders, by folder and clip id, or skipped sounds of the bank, with the reason.
        valid_rooms: rooms of fold 3 that are held out for validation.
    """

    train: SourceFactory
    valid: SourceFactory
    train_clips: int | None = None
    valid_clips: int | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    valid_rooms: tuple[int, ...] = ()


@dataclass(slots=True)
class ScenesByNumber:
    """Scenes synthesized from the bank, as one part of a mix.

    Attributes:
        open_source: opens the synthesizer, once per process.
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
    """Open the recipe's bank or folders; with `spec.shards`, compute the features that are not cached yet.

    Args:
        spec: the recipe's data section.
        features: features to compute.
        progress: called while features are computed.
        workers: processes that compute features.

    Raises:
        RecipeError: a folder, split or room is missing or has no usable clips, or training and validation overlap.
    """
    if not spec.folders:
        report = None if progress is None else lambda done, total: progress(spec.bank, done, total)
        skipped = skipped_sounds(spec.bank, report, named_classes(spec.classes))
        train, valid = (OpenSynthesizer(spec, split, tuple(skipped)) for split in SPLITS)
        return Sources(train, valid, skipped=skipped)
    try:
        return _open(spec, features, progress, workers)
    except LabelError as error:
        hint = "the recipe's first lines list what it needs; `train --data DIR` names its data set"
        raise RecipeError(f"data.folders: {error} ({hint})") from error


def open_final_test(spec: DataSpec, test: FolderSpec, features: FeatureConfig) -> SourceFactory:
    """The clips of a set on which a finished run is scored; its test splits may be among them.

    Raises:
        LabelError: the set has no such clips, or shares some with training.
    """
    clips = chosen_clips(scan(Path(test.root)), test.splits, final=True)
    refuse_metres(clips)
    opened = _open_set(test, clips, spec, features, None, 1)
    refuse_overlap([clip for one in spec.folders for clip in _chosen(one)], opened.clips)
    return OpenedSource(ClipPass(JoinedClips([_part(opened, opened.clips)]), spec.valid_seed))


def _open(spec: DataSpec, features: FeatureConfig, progress: Progress | None, workers: int) -> Sources:
    specs = [*spec.folders, *([spec.valid_folder] if spec.valid_folder else [])]
    chosen = [_chosen(one) for one in specs]
    sets = [
        _open_set(one, clips, spec, features, progress, workers) for one, clips in zip(specs, chosen, strict=True)
    ]  # fmt: skip
    count = len(spec.folders)
    usable = [one.clips for one in sets[:count]]
    rooms = choose_rooms(usable) if spec.valid_rooms == "auto" else spec.valid_rooms
    parted = hold_out(usable, rooms)
    train = [_part(one, clips) for one, (clips, _) in zip(sets, parted, strict=False)]
    valid = [_part(one, clips) for one, (_, clips) in zip(sets, parted, strict=False) if clips]
    valid += [_part(one, one.clips) for one in sets[count:]]
    held_out = [clip for _, clips in parted for clip in clips]
    refuse_overlap(
        [clip for clips, _ in parted for clip in clips], held_out + [clip for one in sets[count:] for clip in one.clips]
    )
    if not sum(map(len, valid)):
        raise LabelError("there are no validation clips; hold out other rooms")
    parts: list[tuple[ClipSource, float]] = [
        (ShuffledClips(clips, _seed(spec.seed, number)), one.weight)
        for number, (one, clips) in enumerate(zip(spec.folders, train, strict=True))
    ]
    if spec.bank_weight:
        parts.append((ScenesByNumber(OpenSynthesizer(spec, "train"), spec.seed), spec.bank_weight))
    skipped = {f"{one.root}/{name}": reason for one, part in zip(specs, sets, strict=True)
               for name, reason in part.skipped.items()}  # fmt: skip
    return Sources(
        OpenedSource(ClipMix(parts, spec.seed)), OpenedSource(ClipPass(JoinedClips(valid), spec.valid_seed)),
        sum(map(len, train)), sum(map(len, valid)), skipped, tuple(rooms),
    )  # fmt: skip


def _chosen(spec: FolderSpec) -> tuple[Clip, ...]:
    clips = chosen_clips(scan(Path(spec.root)), spec.splits)
    refuse_metres(clips)
    return clips


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


def _seed(seed: int, number: int) -> int:
    """A separate seed for each folder, so that equal folders are drawn in different orders."""
    return int(np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1)[0])
