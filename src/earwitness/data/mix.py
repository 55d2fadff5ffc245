"""Clips of DCASE folders for training: held-out rooms, and several sets mixed by weight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from earwitness.data.dcase_csv import read_table
from earwitness.data.layout import Clip, DcaseFolder
from earwitness.data.pcm import read_pcm, wav_info
from earwitness.errors import EarwitnessError, LabelError, NotStereoError, UnreadableMediaError
from earwitness.events import FRAME_RATE, EventTable

_TRAIN = "dev-train"
_REAL_FOLD = 3
_PATIENCE = 100
"""Damaged clips in a row after which a set is given up."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedClip:
    """A clip in memory: what `training.stream` calls a scene.

    Attributes:
        audio: (2, samples) float32.
        labels: its events, metres.
    """

    audio: NDArray[np.float32]
    labels: EventTable


def load(clip: Clip, rate: int = 24_000) -> LoadedClip:
    """Read sound and labels; the sound decides the clip's length.

    Raises:
        EarwitnessError: either is missing or damaged, or the sound is not stereo at `rate`.
    """
    if clip.sound is None or clip.labels is None:
        raise LabelError(f"{clip.split}/{clip.name}: has no {'labels' if clip.sound else 'sound'}")
    info = wav_info(clip.sound)
    if info.rate != rate:
        raise UnreadableMediaError(f"{clip.sound}: is at {info.rate} Hz, and the features want {rate} Hz; resample it")
    if info.channels != 2:
        raise NotStereoError(f"{clip.sound}: has {info.channels} channels, expected 2")
    return LoadedClip(read_pcm(clip.sound), read_table(clip.labels, info.samples * FRAME_RATE // info.rate))


def hold_out(folder: DcaseFolder, valid_rooms: Collection[int]) -> tuple[tuple[Clip, ...], tuple[Clip, ...]]:
    """Training and validation clips: whole rooms of fold 3 apart, since clips of one recording overlap.

    Clips of dev-test are in neither; synthetic ones (fold 1) are all for training; so are clips of unknown room.

    Raises:
        LabelError: a room that the training splits do not have, or nothing left to train on.
    """
    usable = [clip for clip in folder.clips if clip.split.startswith(_TRAIN) and clip.sound and clip.labels]
    real = {clip.name: name.room for clip in usable if (name := clip.parsed) is not None and name.fold == _REAL_FOLD}
    unknown = sorted(set(valid_rooms) - set(real.values()))
    if unknown:
        raise LabelError(
            f"{folder.root}: has no training room {unknown[0]}; its rooms are {sorted(set(real.values()))}"
        )
    valid = tuple(clip for clip in usable if real.get(clip.name) in set(valid_rooms))
    train = tuple(clip for clip in usable if real.get(clip.name) not in set(valid_rooms))
    if not train:
        raise LabelError(f"{folder.root}: nothing is left to train on; hold out fewer rooms")
    return train, valid


@dataclass(slots=True)
class ClipMix:
    """Draws clips of several sets at fixed shares; serves as the source of a training stream.

    Attributes:
        parts: for each set its clips and its weight, say [(real, 1.0), (synthetic, 3.0)].
        rate: samples per second.
        skipped: damaged clips that were met so far, with the reason.
    """

    parts: Sequence[tuple[Sequence[Clip], float]]
    rate: int = 24_000
    skipped: dict[str, str] = field(default_factory=dict)
    _shares: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        weights = np.array([weight for _, weight in self.parts], dtype=np.float64)
        if not weights.size or (weights < 0).any() or not weights.sum() > 0:
            raise LabelError("a mix of sets needs weights that are not negative, one of them positive")
        if any(weight > 0 and not len(clips) for clips, weight in self.parts):
            raise LabelError("a set in the mix holds no clips; give it weight 0 or leave it out")
        self._shares = weights / weights.sum()

    def pick(self, seed_sequence: np.random.SeedSequence) -> Iterable[Clip]:
        """Clips to try for this seed, in order; the same seed gives the same ones."""
        rng = np.random.default_rng(seed_sequence)
        for _ in range(_PATIENCE):
            clips = self.parts[int(rng.choice(len(self.parts), p=self._shares))][0]
            yield clips[int(rng.integers(len(clips)))]

    def scene(self, seed_sequence: np.random.SeedSequence) -> LoadedClip:
        """The clip of a seed; damaged ones are noted in `skipped`, and the next draw takes their place.

        Raises:
            LabelError: one draw after another is damaged.
        """
        for clip in self.pick(seed_sequence):
            try:
                return load(clip, self.rate)
            except EarwitnessError as error:
                self.skipped[f"{clip.split}/{clip.name}"] = str(error)
        reason = next(reversed(self.skipped.values()))
        raise LabelError(f"{_PATIENCE} clips in a row are damaged; run `earwitness dataset check`. The last: {reason}")
