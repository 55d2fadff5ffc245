"""Loads clips of a DCASE folder for training, and reports the reason for each unusable one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
