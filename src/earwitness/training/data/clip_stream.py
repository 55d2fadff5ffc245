"""The stream of training clips: scene k is the same scene in every run and in every worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import Targets, encode
from earwitness.data.clips import LoadedClip
from earwitness.data.shard import ShardClip
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.token_arrays import stack_tokens
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.models.network import TokenBatch, Tokens
from earwitness.training.data.any_sound_targets import with_any_sound
from earwitness.training.data.augment import swap_clip
from earwitness.training.data.dense_targets import dense_targets, mirrored
from earwitness.training.data.token_lookup import TokenLookup

Swap = Literal["double", "random", "none"]
TRAIN_STREAM: Final = 0
VALID_STREAM: Final = 1
SWAP_STREAM: Final = 2
_WAYS: Final = {"double": (False, True), "none": (False,)}
"""For each clip made of a scene: whether left and right are swapped."""


class TrainingScene(Protocol):
    """A rendered scene."""

    @property
    def audio(self) -> NDArray[np.float32]:
        """(2, samples)."""

    @property
    def labels(self) -> EventTable:
        """The true events."""


class SceneSource(Protocol):
    """A source of scenes: the synthesizer, or a substitute in tests."""

    def scene(self, seed_sequence: np.random.SeedSequence) -> TrainingScene:
        """The scene of a seed; the same seed gives the same scene."""


class DirectSource(Protocol):
    """A source of scenes that can render their direct sound, too."""

    def scene(self, seed_sequence: np.random.SeedSequence, *, direct: bool = False) -> TrainingScene:
        """The scene of a seed."""


@runtime_checkable
class NumberedSource(Protocol):
    """A source of folders' clips, which are addressed by number: none repeats before all were drawn."""

    def at(self, number: int) -> TrainingScene:
        """Clip `number`; the same number gives the same clip."""


SourceFactory = Callable[[], SceneSource | NumberedSource]


def scene_seed(seed: int, stream: int, index: int) -> np.random.SeedSequence:
    """Seed of scene `index` of a stream, independent of the workers and of earlier scenes."""
    return np.random.SeedSequence(seed, spawn_key=(stream, index))


@dataclass(frozen=True, slots=True)
class Origin:
    """Identity of a clip, used to look up its embeddings.

    Attributes:
        clip_id: split and name within its data set, such as "dev-train-sony/fold3_room21_mix001_deg040_start0010";
            empty for scenes synthesized on the fly.
        root: folder of the data set; empty for such scenes.
        swapped: whether left and right are swapped.
    """

    clip_id: str = ""
    root: str = ""
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class TrainingClip:
    """Features (C, T, F) float16, slot targets (T', 3, classes) and (T', 3, classes, 4), origin, tokens, dense targets.

    The latter are (3, T', F), see `dense_targets`, if the stream has them.
    """

    features: NDArray[np.float16]
    active: NDArray[np.bool_]
    values: NDArray[np.float32]
    origin: Origin = Origin()
    tokens: Mapping[str, TokenMap] = field(default_factory=dict)
    dense: NDArray[np.float16] | None = None

    @property
    def clip_id(self) -> str:
        """Split and name of a clip in a folder, else empty."""
        return self.origin.clip_id

    @property
    def swapped(self) -> bool:
        """Whether left and right are swapped."""
        return self.origin.swapped


@dataclass(frozen=True, slots=True)
class Batch:
    """Clips stacked along a first axis B.

    Attributes:
        features: (B, C, T, F) float16.
        active: (B, T', 3, classes) bool.
        values: (B, T', 3, classes, 4) float32.
        scenes: indices of the scenes.
        origins: identity of each of the B clips.
        tokens: semantic tokens of the modalities that at least one clip has.
        dense: (B, 3, T', F) targets of `dense_targets`, if the stream has them.
    """

    features: Tensor
    active: Tensor
    values: Tensor
    scenes: tuple[int, ...]
    origins: tuple[Origin, ...] = ()
    tokens: TokenBatch = field(default_factory=dict)
    dense: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The batch on `device`, with features and tokens as float32."""
        return replace(
            self,
            features=self.features.to(device).float(),
            active=self.active.to(device),
            values=self.values.to(device),
            tokens={name: tokens.to(device) for name, tokens in self.tokens.items()},
            dense=None if self.dense is None else self.dense.to(device).float(),
        )


class SceneStream(Dataset[tuple[int, list[TrainingClip]]]):
    """Map-style dataset: index -> the one or two clips of a scene.

    Each process opens the source at its first use.

    Args:
        open_source: opens the scene source; must be picklable where workers are spawned.
        features: features to compute.
        seed: of the stream.
        scenes: number of different scenes; None never repeats one.
        swap: left-right swapping.
        stream: number that distinguishes streams with the same seed.
        tokens: the clips' semantic tokens.

    Attributes:
        dense: whether clips have dense targets, for which scenes are rendered with their direct sound; False at first.
    """

    dense = False

    def __init__(
        self,
        open_source: SourceFactory,
        features: FeatureConfig,
        *,
        seed: int,
        scenes: int | None = None,
        swap: Swap = "double",
        stream: int = TRAIN_STREAM,
        tokens: TokenLookup | None = None,
    ) -> None:
        self.open_source = open_source
        self.features = features
        self.seed = seed
        self.scenes = scenes
        self.swap = swap
        self.stream = stream
        self.tokens = tokens or TokenLookup()
        self._source: SceneSource | NumberedSource | None = None
        self._extractor: FeatureExtractor | None = None

    def __getitem__(self, index: int) -> tuple[int, list[TrainingClip]]:
        """Clips of scene `index`."""
        scene, features = self.scene(index)
        plain = features, self.targets(scene)
        dense = dense_targets(scene, features, self._features) if self.dense else None
        ways = (self._coin(index),) if self.swap == "random" else _WAYS[self.swap]
        clips = []
        for swapped in ways:
            maps, marks = swap_clip(*plain, self.features) if swapped else plain
            origin = _origin(scene, swapped)
            turned = mirrored(dense) if swapped and dense is not None else dense
            clips.append(
                TrainingClip(
                    maps.astype(np.float16, copy=False), marks.active, marks.values, origin, self._find(origin), turned
                )
            )
        return index, clips

    def scene(self, index: int) -> tuple[TrainingScene, NDArray[np.floating]]:
        """Scene `index` and its features (C, T, F), cut to whole label frames."""
        source = self._open()
        number = index if self.scenes is None else index % self.scenes
        if isinstance(source, NumberedSource):
            scene = source.at(number)
        else:
            seed = scene_seed(self.seed, self.stream, number)
            scene = cast(DirectSource, source).scene(seed, direct=True) if self.dense else source.scene(seed)
        if isinstance(scene, ShardClip):
            return scene, scene.features
        frames = scene.labels.num_frames * self.features.frames_per_label + self.features.closing_frames
        return scene, self._features(scene.audio)[:, :frames]

    @property
    def _features(self) -> FeatureExtractor:
        self._extractor = self._extractor or FeatureExtractor(self.features)
        return self._extractor

    def targets(self, scene: TrainingScene) -> Targets:
        """Training targets of a scene."""
        return encode(scene.labels)

    def tokens_of(self, scene: TrainingScene) -> dict[str, TokenMap]:
        """Semantic tokens of a scene that is not swapped."""
        return self._find(_origin(scene, swapped=False))

    def _find(self, origin: Origin) -> dict[str, TokenMap]:
        return self.tokens.find(origin.clip_id, origin.root, origin.swapped)

    def available(self, wanted: int) -> int:
        """Number of different scenes, at most `wanted`."""
        source = self._open()
        return min(wanted, len(source)) if isinstance(source, Sized) else wanted

    def _open(self) -> SceneSource | NumberedSource:
        if self._source is None:
            self._source = self.open_source()
        return self._source

    def _coin(self, index: int) -> bool:
        # By index, not by scene, so that a repeated scene may be swapped differently.
        return bool(np.random.default_rng(scene_seed(self.seed, SWAP_STREAM, index)).integers(2))


def _origin(scene: TrainingScene, swapped: bool) -> Origin:
    if isinstance(scene, LoadedClip | ShardClip):
        return Origin(scene.clip.id, str(scene.clip.root), swapped)
    return Origin(swapped=swapped)


class _FromStep(Sampler[list[int]]):
    """Batch k holds scenes k n .. k n + n - 1, or a process's part of them.

    It can start at any k, so that a resumed run trains on the same scenes.
    """

    def __init__(self, start: int, stop: int, scenes: int, part: slice) -> None:
        self.start, self.stop, self.scenes, self.part = start, stop, scenes, part

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.stop):
            yield list(range(step * self.scenes, (step + 1) * self.scenes)[self.part])


def collate(items: list[tuple[int, list[TrainingClip]]]) -> Batch:
    """Stack the clips of scenes."""
    clips = [clip for _, pair in items for clip in pair]
    return Batch(
        torch.from_numpy(np.stack([clip.features for clip in clips])),
        torch.from_numpy(np.stack([clip.active for clip in clips])),
        torch.from_numpy(np.stack([clip.values for clip in clips])),
        tuple(index for index, _ in items),
        tuple(clip.origin for clip in clips),
        {name: Tokens.of(arrays) for name, arrays in stack_tokens([clip.tokens for clip in clips]).items()},
        torch.from_numpy(np.stack(dense)) if (dense := [c.dense for c in clips if c.dense is not None]) else None,
    )


def batches(
    stream: SceneStream,
    *,
    start: int,
    stop: int,
    scenes: int,
    workers: int = 0,
    prefetch: int = 4,
    part: slice = slice(None),
) -> DataLoader[tuple[int, list[TrainingClip]]]:
    """Loader of batches `start` .. `stop` - 1, which do not depend on the number of workers.

    Args:
        stream: of clips.
        start, stop: numbers of the batches.
        scenes: scenes per batch.
        workers: processes that generate the clips; 0 generates them in this process.
        prefetch: batches that a worker prepares in advance.
        part: this process's scenes of each batch.
    """
    return DataLoader(
        stream,
        batch_sampler=_FromStep(start, stop, scenes, part),
        num_workers=workers,
        prefetch_factor=prefetch if workers else None,
        collate_fn=collate,
        worker_init_fn=_quiet_worker,
    )


def _quiet_worker(_: int) -> None:
    # One thread per process: two that competed for a busy core were measured 100 times slower than one.
    torch.set_num_threads(1)


class AnySoundStream(SceneStream):
    """A stream of synthetic scenes whose targets have the additional class."""

    def targets(self, scene: TrainingScene) -> Targets:
        """Training targets of a scene.

        Raises:
            TrainingError: as `with_any_sound`.
        """
        return with_any_sound(scene)
