"""Loads clips of DCASE folders, says why a clip is unusable, and finds clips of two sets with the same sound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError, LabelError, NotStereoError, UnreadableMediaError
from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.data.dcase.labels import (
    CLIP_FRAMES,
    METRES_BELOW_CM,
    LabelRows,
    are_metres,
    read_rows,
    read_table,
)
from earwitness.data.dcase.layout import Clip
from earwitness.media.sound.wav import read_pcm, wav_info

SAMPLE_RATE: Final = 24_000
SAMPLED: Final = 200
"""Label files of a split that are read to recognise metres."""

_PLACES: Final = (12_000, 36_000, 60_000, 84_000)
"""Positions, in samples, of the short sections that are compared first."""
_SAMPLES: Final = 2048
_SILENT: Final = 1e-4
_SAME: Final = 0.95
"""Minimum correlation of clips with the same sound."""

PeakKey = tuple[int, int, int]
"""Number of a section, and the positions in it at which the sum and the difference of the channels peak."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedClip:
    """A clip in memory.

    Attributes:
        clip: files of the clip.
        audio: (2, samples) float32.
        labels: events, distances in metres.
    """

    clip: Clip
    audio: NDArray[np.float32]
    labels: EventTable


def load(clip: Clip, rate: int = SAMPLE_RATE) -> LoadedClip:
    """Read sound and labels; the sound determines the length of the clip.

    Raises:
        EarwitnessError: sound or labels are missing or damaged, or the sound is not stereo at `rate`.
    """
    frames = _sound_frames(clip, rate)
    assert clip.sound is not None
    assert clip.labels is not None
    return LoadedClip(clip, read_pcm(clip.sound), read_table(clip.labels, frames, clip.vocabulary))


def inspect(clip: Clip, rate: int = SAMPLE_RATE, frames: int = CLIP_FRAMES) -> EventTable:
    """Labels of a clip, after checking that it is usable; of the sound, only the header and the file size are checked.

    Raises:
        EarwitnessError: as `load`; also for a clip that is not `frames` long.
    """
    found = _sound_frames(clip, rate)
    if found != frames:
        raise LabelError(f"{clip.sound}: lasts {found} frames of 100 ms, not {frames}")
    assert clip.labels is not None
    return read_table(clip.labels, frames, clip.vocabulary)


def _sound_frames(clip: Clip, rate: int) -> int:
    """Length of the sound in 100-ms frames."""
    if clip.sound is None or clip.labels is None:
        raise LabelError(f"{clip.id}: has no {'labels' if clip.sound else 'sound'}")
    info = wav_info(clip.sound)
    if info.rate != rate:
        raise UnreadableMediaError(f"{clip.sound}: is at {info.rate} Hz, but the features need {rate} Hz; resample it")
    if info.channels != 2:
        raise NotStereoError(f"{clip.sound}: has {info.channels} channels, expected 2")
    return info.samples * FRAME_RATE // info.rate


@dataclass(slots=True)
class FolderClips:
    """The usable clips of a data set, loaded on access, so that features are computed on the fly.

    Attributes:
        clips: usable clips.
        skipped: reason for each unusable clip, by clip id.
        rate: samples per second.
    """

    clips: tuple[Clip, ...]
    skipped: dict[str, str] = field(default_factory=dict)
    rate: int = SAMPLE_RATE

    def __len__(self) -> int:
        """Number of usable clips."""
        return len(self.clips)

    def __getitem__(self, index: int) -> LoadedClip:
        """Read a clip."""
        return load(self.clips[index], self.rate)


def open_clips(clips: Sequence[Clip], rate: int = SAMPLE_RATE, frames: int = CLIP_FRAMES) -> FolderClips:
    """Check every clip of a data set; damaged clips are listed in `skipped`.

    Raises:
        LabelError: no clip is usable.
    """
    good: list[Clip] = []
    skipped: dict[str, str] = {}
    for clip in clips:
        try:
            inspect(clip, rate, frames)
            good.append(clip)
        except EarwitnessError as error:
            skipped[clip.id] = str(error)
    refuse_none(good, clips, skipped)
    return FolderClips(tuple(good), skipped, rate)


def refuse_metres(clips: Sequence[Clip]) -> None:
    """Refuse a split whose labels have distances in metres, from a sample of its files.

    Raises:
        LabelError: names the split and what to do.
    """
    splits: dict[str, list[Clip]] = {}
    for clip in clips:
        splits.setdefault(clip.split, []).append(clip)
    for split, members in splits.items():
        rows = [found for clip in members[:: -(-len(members) // SAMPLED)] if (found := _rows(clip)) is not None]
        if are_metres(LabelRows.concatenate(rows).distance_cm):
            raise LabelError(
                f"{members[0].root}: half of the distances in metadata_dev/{split} are below {METRES_BELOW_CM} cm: "
                "they seem to be metres; multiply them by 100, or leave the split out (splits in data.folders)"
            )


def _rows(clip: Clip) -> LabelRows | None:
    """The label rows of a clip; None if they are damaged, which is reported when the clip is opened."""
    try:
        return None if clip.labels is None else read_rows(clip.labels)
    except LabelError:
        return None


def refuse_none(good: Sequence[object], clips: Sequence[Clip], skipped: dict[str, str]) -> None:
    """Raise a LabelError if no clip is usable."""
    if not good:
        reason = next(iter(skipped.values()), "there are none")
        raise LabelError(f"none of {len(clips)} clips can be used; the first: {reason}")


def same_clips(one: Sequence[Clip], other: Sequence[Clip]) -> Iterator[tuple[Clip, Clip]]:
    """Pairs of clips, one of each set, with the same sound; damaged and silent clips match no other.

    The peak positions in a few short sections do not depend on the level or the channel order; only clips that agree in
    one section are read and compared completely.
    """
    by_key: dict[PeakKey, list[Clip]] = defaultdict(list)
    for clip in one:
        for key in _peak_keys(clip):
            by_key[key].append(clip)
    for clip in other:
        candidates = dict.fromkeys(match for key in _peak_keys(clip) for match in by_key.get(key, ()))
        found = next((match for match in candidates if _same(match, clip)), None)
        if found is not None:
            yield found, clip


def _peak_keys(clip: Clip) -> Iterable[PeakKey]:
    keys: list[PeakKey] = []
    if clip.sound is None:
        return keys
    try:
        samples = wav_info(clip.sound).samples
        for number, place in enumerate(_PLACES):
            if place + _SAMPLES <= samples:
                added, apart = _absolute(read_pcm(clip.sound, place, _SAMPLES))
                if added.max() >= _SILENT or apart.max() >= _SILENT:
                    keys.append((number, int(added.argmax()), int(apart.argmax())))
    except EarwitnessError:
        return []
    return keys


def _same(one: Clip, other: Clip) -> bool:
    if one.sound is None or other.sound is None:
        return False
    try:
        pairs = list(zip(_summed(one.sound), _summed(other.sound), strict=True))
    except EarwitnessError:
        return False
    size = min(one.size for pair in pairs for one in pair)
    product = sum(abs(float(np.dot(a[:size], b[:size]))) for a, b in pairs)
    energies = [sum(float(np.dot(pair[side][:size], pair[side][:size])) for pair in pairs) for side in (0, 1)]
    return product > _SAME * max(float(np.sqrt(energies[0] * energies[1])), 1e-12)


def _summed(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and difference of the first and the last channel."""
    sound = read_pcm(path).astype(np.float64)
    return sound[0] + sound[-1], sound[0] - sound[-1]


def _absolute(sound: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.abs(sound[0] + sound[-1]), np.abs(sound[0] - sound[-1])
