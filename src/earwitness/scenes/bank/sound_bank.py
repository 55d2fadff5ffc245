"""A sound bank: isolated mono recordings by class, in any layout of `adaptors`, and the activity of their events."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import BankError
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.scenes.bank.adaptors import bank_vocabulary, is_published, list_sounds
from earwitness.scenes.bank.bank_sound import BACKGROUND, INTERFERENCE, BankSound, with_licence
from earwitness.scenes.bank.recording import BLOCK_SAMPLES, BLOCK_SECONDS, read_recording, sounding_blocks
from earwitness.scenes.bank.splits import copied_files, refuse_leaks, refuse_shared, split_names, with_splits
from earwitness.scenes.scene import EventRecipe

__all__ = ["BACKGROUND", "INTERFERENCE", "BankSound", "SoundBank"]

_MOST_KEPT_BYTES: Final = 2**30
"""Size of the cache of decoded samples in a process: six hours; the least recently used are evicted."""
_NO_SPLITS: Final = "it has no splits of its own and too few groups to assign a fifth of them to 'valid'"

BRIDGED_SECONDS: Final = 0.4
"""Shorter pauses, as between two knocks or steps, do not end an event."""


FRAME_SHARE: Final = 0.25
"""A 100-ms frame is labelled if at least this share of it is active."""


_BLOCKS_PER_FRAME: Final = 10


@dataclass(eq=False)
class SoundBank:
    """Sounds of one split of a bank, decoded on first use and cached as 16-bit samples.

    Attributes:
        root: folder of the bank.
        sounds: the sounds, sorted by name.
        weights: relative frequency with which sounds are drawn, by name pattern such as `bell/cdda-*`; the last
            matching pattern counts. Sounds with a weight of 0 are never drawn.
        vocabulary: the classes.
    """

    root: Path
    sounds: tuple[BankSound, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    vocabulary: Vocabulary = DCASE2025
    _groups: dict[str, list[list[BankSound]]] = field(init=False, repr=False)
    _by_name: dict[str, BankSound] = field(init=False, repr=False)
    _kinds: tuple[str, ...] = field(init=False, repr=False)
    _shares: dict[str, NDArray[np.float64]] = field(init=False, repr=False)
    _samples: OrderedDict[str, NDArray[np.int16]] = field(default_factory=OrderedDict, init=False, repr=False)
    _kept_bytes: int = field(default=0, init=False, repr=False)
    _loudness: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _sounding: dict[str, NDArray[np.bool_]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        by_group: dict[str, dict[str, list[BankSound]]] = defaultdict(lambda: defaultdict(list))
        for sound in (sound for sound in self.sounds if weight_of(sound, self.weights) > 0):
            by_group[sound.kind][sound.group or sound.name].append(sound)
        self._groups = {kind: list(groups.values()) for kind, groups in by_group.items()}
        self._by_name = {sound.name: sound for sound in self.sounds}
        order = [*self.vocabulary.slugs, BACKGROUND, INTERFERENCE]
        self._kinds = tuple(kind for kind in order if kind in self._groups)
        # Groups are weighted by the square root of their size, a compromise between balance and variety.
        roots = {
            kind: np.sqrt([len(group) for group in groups]) * [weight_of(group[0], self.weights) for group in groups]
            for kind, groups in self._groups.items()
        }
        self._shares = {kind: root / root.sum() for kind, root in roots.items()}

    @classmethod
    def open(
        cls,
        root: str | Path,
        split: str | None = None,
        *,
        licences: Collection[str] | None = None,
        without: Collection[str] = (),
        weights: Mapping[str, float] | None = None,
        classes: Vocabulary | None = None,
    ) -> SoundBank:
        """Open the bank at `root`.

        Args:
            root: a folder or a list of files in one of the layouts of `adaptors`.
            split: keep only sounds of this split; None keeps all. A bank without splits is split by its groups.
            licences: keep only sounds under one of these licences, as ("cc0", "cc-by"); None keeps all.
            without: names of sounds to leave out, such as those of `bank_check.unusable_sounds`.
            weights: see the attribute.
            classes: the classes; None: see `adaptors.bank_vocabulary`.

        Raises:
            BankError: there is no such bank, it has no sounds, its list violates the format, or, with a split, a
                recording is in two splits. In a bank with classes of its own, a recording of two classes.
        """
        root = Path(root)
        vocabulary = bank_vocabulary(root, classes)
        listed = list_sounds(root, classes=vocabulary)
        folder = root.parent if root.is_file() else root
        if vocabulary is not DCASE2025:
            refuse_shared(root, listed, copied_files(folder, listed))
        sounds = listed if split is None else _of_split(root, folder, listed, split)
        if licences is not None:
            sounds = with_licence(sounds, licences)
        left_out, weights = frozenset(without), weights or {}
        asked, sounds = len(sounds), [sound for sound in sounds if sound.name not in left_out]
        targets = [sound for sound in sounds if sound.kind not in (BACKGROUND, INTERFERENCE)]
        where = f" in its split '{split}'" if split else ""
        if not targets:
            there = f"its splits are {split_names(listed)}" if any(sound.split for sound in listed) else _NO_SPLITS
            where = f"{where}; {there}" if split else ""
            under = f" under {', '.join(licences)}" if licences is not None else ""
            unusable = f" that can be used ({asked - len(sounds)} cannot)" if asked > len(sounds) else ""
            raise BankError(f"the sound bank at '{root}' has no sound of any target class{unusable}{under}{where}")
        if not any(weight_of(sound, weights) for sound in targets):
            raise BankError(f"the sound bank at '{root}' has no sound of any target class with a weight above 0{where}")
        return cls(folder, tuple(sorted(sounds, key=lambda sound: sound.name)), weights, vocabulary)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that have sounds; target classes first, in class order."""
        return self._kinds

    @property
    def missing(self) -> tuple[str, ...]:
        """Target classes without sounds: no scene contains them."""
        return tuple(slug for slug in self.vocabulary.slugs if slug not in self._groups)

    def draw(self, kind: str, rng: np.random.Generator) -> BankSound:
        """A random sound of `kind`: first a group, then one of its sounds, so that large groups do not dominate.

        Raises:
            BankError: the bank has no sound of this kind.
        """
        groups = self._groups.get(kind)
        if not groups:
            raise BankError(f"the sound bank at '{self.root}' has no sound of kind '{kind}'")
        group = groups[int(rng.choice(len(groups), p=self._shares[kind]))]
        return group[int(rng.integers(len(group)))]

    def mates(self, sound: BankSound) -> list[BankSound]:
        """All sounds of the same kind and group, including `sound`."""
        for group in self._groups[sound.kind]:
            if group[0].group == sound.group and sound in group:
                return group
        return [sound]

    def sound(self, name: str) -> BankSound:
        """The sound named `name`.

        Raises:
            BankError: this split has no such sound.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise BankError(f"the sound bank at '{self.root}' has no sound '{name}'") from None

    def find(self, name: str) -> BankSound | None:
        """The sound named `name`; None if this split does not have it."""
        return self._by_name.get(name)

    def samples(self, name: str, start: int = 0, end: int | None = None) -> NDArray[np.float32]:
        """Samples `start` (inclusive) to `end` (exclusive) of a sound: (n,) float32 in [-1, 1], mono, 24 kHz.

        Raises:
            BankError: the file is missing, unreadable or silent.
        """
        return np.multiply(self._decoded(name)[start:end], np.float32(1 / 32767), dtype=np.float32)

    def size(self, name: str) -> int:
        """Number of samples of a sound.

        Raises:
            BankError: the file is missing, unreadable or silent.
        """
        return self._decoded(name).size

    def _decoded(self, name: str) -> NDArray[np.int16]:
        if name in self._samples:
            self._samples.move_to_end(name)
            return self._samples[name]
        samples = self._samples[name] = read_recording(self.root / self.sound(name).name)
        self._kept_bytes += samples.nbytes
        while self._kept_bytes > _MOST_KEPT_BYTES and len(self._samples) > 1:
            self._kept_bytes -= self._samples.popitem(last=False)[1].nbytes
        return samples

    def sounding(self, name: str) -> NDArray[np.bool_]:
        """Which 10-ms blocks of a sound are active: see `activity.sounding_blocks`."""
        if name not in self._sounding:
            self._sounding[name] = sounding_blocks(self.samples(name))
        return self._sounding[name]

    def loudness(self, name: str) -> float:
        """RMS of the active parts of a sound."""
        if name not in self._loudness:
            samples = self.samples(name)
            loud = samples[np.repeat(self.sounding(name), BLOCK_SAMPLES)[: samples.size]]
            self._loudness[name] = float(np.sqrt(np.mean(np.square(loud, dtype=np.float64))))
        return self._loudness[name]

    def preload(self) -> list[str]:
        """Decode all sounds (about 25 s for three hours of sound); returns the names of unreadable sounds."""
        unreadable = []
        for sound in self.sounds:
            try:
                self.samples(sound.name)
            except BankError:
                unreadable.append(sound.name)
        return unreadable


def weight_of(sound: BankSound, weights: Mapping[str, float]) -> float:
    """Relative frequency with which a sound is drawn: that of the last matching pattern, or 1."""
    fitting = [weight for pattern, weight in weights.items() if fnmatchcase(sound.name, pattern)]
    return fitting[-1] if fitting else 1.0


def _of_split(root: Path, folder: Path, listed: Sequence[BankSound], split: str) -> list[BankSound]:
    """Sounds of a split, after checking that no recording is in several splits."""
    # Published splits are used unchanged, so that results are comparable.
    if not is_published(root):
        copies = copied_files(folder, listed)
        listed = with_splits(listed, copies=copies)
        refuse_leaks(root, listed, copies)
    return [sound for sound in with_splits(listed) if sound.split == split]


def bridge(sounding: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Fill pauses of at most `longest` blocks between active ones."""
    on = np.flatnonzero(sounding)
    filled = sounding.copy()
    for index in np.flatnonzero((np.diff(on) > 1) & (np.diff(on) <= longest + 1)):
        filled[on[index] : on[index + 1]] = True
    return filled


def event_blocks(bank: SoundBank, event: EventRecipe) -> NDArray[np.bool_]:
    """Which 10-ms blocks of an event are active, starting at its onset: (n,) bool, from the dry recordings."""
    parts: list[NDArray[np.bool_]] = []
    for number, name in enumerate(event.sounds):
        if number:
            parts.append(np.zeros(round(event.pause(number - 1) / BLOCK_SECONDS), dtype=bool))
        blocks = bank.sounding(name)
        size = int(min(blocks.size / event.speed, event.cut(number) / BLOCK_SECONDS))
        stretched = np.minimum((np.arange(size) * event.speed).astype(int), blocks.size - 1)
        parts.append(blocks[stretched])
    return bridge(np.concatenate(parts), round(BRIDGED_SECONDS / BLOCK_SECONDS))


def sound_frames(sounding: NDArray[np.bool_], onset: float, seconds: float) -> NDArray[np.bool_]:
    """Label frames in which an event is active: (round(10 * seconds),) bool.

    Args:
        sounding: active blocks from `event_blocks`.
        onset: onset of the event in seconds.
        seconds: length of the scene.
    """
    frames = round(seconds * 10)
    scene = np.zeros(frames * _BLOCKS_PER_FRAME, dtype=bool)
    start = round(onset / BLOCK_SECONDS)
    first, last = max(start, 0), min(start + sounding.size, scene.size)
    if last > first:
        scene[first:last] = sounding[first - start : last - start]
    return np.asarray(scene.reshape(frames, _BLOCKS_PER_FRAME).mean(axis=1) >= FRAME_SHARE)
