"""Opens what a recipe learns from: what is damaged is named, and what is held out is never trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from earwitness.data.clips import FolderClips, open_clips
from earwitness.data.holdout import chosen_clips, hold_out, refuse_overlap
from earwitness.data.layout import Clip, scan
from earwitness.data.mix import ClipMix, ClipPass, Endless, Joined, Shuffled, Subset
from earwitness.data.shard import Shard, open_shard
from earwitness.errors import LabelError, RecipeError
from earwitness.features import FeatureConfig
from earwitness.synthesis import Synthesizer
from earwitness.training.recipe import DataSpec, FolderSpec
from earwitness.training.source import SPLITS, OpenSynthesizer, skipped_sounds
from earwitness.training.stream import SourceFactory

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
        told = None if progress is None else lambda done, total: progress(spec.bank, done, total)
        skipped = skipped_sounds(spec.bank, told)
        train, valid = (OpenSynthesizer(spec, split, tuple(skipped)) for split in SPLITS)
        return Sources(train, valid, skipped=skipped)
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
    held_out = [clip for _, clips in parted for clip in clips]
    refuse_overlap(
        [clip for clips, _ in parted for clip in clips], held_out + [clip for one in sets[count:] for clip in one.clips]
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


def _seed(seed: int, number: int) -> int:
    """A seed of its own for each folder, so that equal folders do not go in step."""
    return int(np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1)[0])
