"""The stream of training clips: scene k is the same scene whenever, wherever and by whichever worker it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from earwitness.accddoa import encode
from earwitness.events import EventTable
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.training.augment import swap_clip

Swap = Literal["double", "random", "none"]
TRAIN_STREAM: Final = 0
VALID_STREAM: Final = 1
SWAP_STREAM: Final = 2


class Scene(Protocol):
    """A rendered scene."""

    @property
    def audio(self) -> NDArray[np.float32]:
        """(2, samples)."""

    @property
    def labels(self) -> EventTable:
        """The truth."""


class SceneSource(Protocol):
    """What makes scenes: the synthesizer, or a stand-in in tests."""

    def scene(self, seed_sequence: np.random.SeedSequence) -> Scene:
        """The scene of a seed; the same seed gives the same scene."""


SourceFactory = Callable[[], SceneSource]


def scene_seed(seed: int, stream: int, index: int) -> np.random.SeedSequence:
    """Seed of scene `index` of a stream, independent of workers and of the scenes before it."""
    return np.random.SeedSequence(seed, spawn_key=(stream, index))


@dataclass(frozen=True, slots=True)
class Clip:
    """Features (C, T, F) float16 with slot targets (T', 3, 13) and (T', 3, 13, 4)."""

    features: NDArray[np.float16]
    active: NDArray[np.bool_]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Clips stacked along a first axis B.

    Attributes:
        features: (B, C, T, F) float16.
        active: (B, T', 3, 13) bool.
        values: (B, T', 3, 13, 4) float32.
        scenes: indices of the scenes in it.
    """

    features: Tensor
    active: Tensor
    values: Tensor
    scenes: tuple[int, ...]

    def to(self, device: torch.device) -> Batch:
        """The same on `device`, features as float32."""
        return Batch(
            self.features.to(device).float(), self.active.to(device), self.values.to(device), self.scenes
        )  # fmt: skip


class SceneStream(Dataset[tuple[int, list[Clip]]]):
    """Map-style dataset: index -> the one or two clips of a scene.

    The source is opened where it is used, once a process.

    Args:
        open_source: makes the scene source; must be picklable where workers are spawned.
        features: what to compute.
        seed: of the stream.
        scenes: number of different scenes; None never repeats.
        swap: left-right swapping.
        stream: number that keeps streams of one seed apart.
    """

    def __init__(
        self,
        open_source: SourceFactory,
        features: FeatureConfig,
        *,
        seed: int,
        scenes: int | None = None,
        swap: Swap = "double",
        stream: int = TRAIN_STREAM,
    ) -> None:
        self.open_source = open_source
        self.features = features
        self.seed = seed
        self.scenes = scenes
        self.swap = swap
        self.stream = stream
        self._source: SceneSource | None = None
        self._extractor: FeatureExtractor | None = None

    def __getitem__(self, index: int) -> tuple[int, list[Clip]]:
        """Clips of scene `index`."""
        scene, features = self.scene(index)
        targets = encode(scene.labels)
        plain = features, targets
        if self.swap == "double":
            pairs = [plain, swap_clip(*plain, self.features)]
        elif self.swap == "random" and self._coin(index):
            pairs = [swap_clip(*plain, self.features)]
        else:
            pairs = [plain]
        return index, [Clip(maps.astype(np.float16), marks.active, marks.values) for maps, marks in pairs]

    def scene(self, index: int) -> tuple[Scene, NDArray[np.float32]]:
        """Scene `index` and its features (C, T, F), cut to whole label frames."""
        source = self._source = self._source or self.open_source()
        extractor = self._extractor = self._extractor or FeatureExtractor(self.features)
        number = index if self.scenes is None else index % self.scenes
        scene = source.scene(scene_seed(self.seed, self.stream, number))
        return scene, extractor(scene.audio)[:, : scene.labels.num_frames * self.features.frames_per_label]

    def _coin(self, index: int) -> bool:
        # By index, not by scene: a scene that comes again may come the other way round.
        return bool(np.random.default_rng(scene_seed(self.seed, SWAP_STREAM, index)).integers(2))


class _FromStep(Sampler[list[int]]):
    """Batch k holds scenes k n .. k n + n - 1; starts at any k, so that a resumed run sees what it would have seen."""

    def __init__(self, start: int, stop: int, scenes: int) -> None:
        self.start, self.stop, self.scenes = start, stop, scenes

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.stop):
            yield list(range(step * self.scenes, (step + 1) * self.scenes))


def collate(items: list[tuple[int, list[Clip]]]) -> Batch:
    """Stack the clips of scenes."""
    clips = [clip for _, pair in items for clip in pair]
    return Batch(
        torch.from_numpy(np.stack([clip.features for clip in clips])),
        torch.from_numpy(np.stack([clip.active for clip in clips])),
        torch.from_numpy(np.stack([clip.values for clip in clips])),
        tuple(index for index, _ in items),
    )


def batches(
    stream: SceneStream, *, start: int, stop: int, scenes: int, workers: int = 0, prefetch: int = 4
) -> DataLoader[tuple[int, list[Clip]]]:
    """Loader of batches `start` .. `stop` - 1, the same whatever the number of workers."""
    return DataLoader(
        stream,
        batch_sampler=_FromStep(start, stop, scenes),
        num_workers=workers,
        prefetch_factor=prefetch if workers else None,
        collate_fn=collate,
        worker_init_fn=_quiet_worker,
    )


def _quiet_worker(_: int) -> None:
    # One thread a process: two fighting over a busy core were measured 100 times slower than one.
    torch.set_num_threads(1)
