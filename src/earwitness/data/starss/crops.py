"""Which crops and views of ambisonic recordings become stereo clips."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from earwitness.core.errors import LabelError
from earwitness.data.dcase.labels import CLIP_FRAMES
from earwitness.data.starss.foa import Recording

OFFICIAL_SEED: Final = 20250305
OFFICIAL_CLIPS: Final = 30_000
TRAIN: Final = "dev-train"
_SONY: Final = "dev-train-sony"
_ROOM_WITHOUT_VIDEO, _FIRST_MIX_WITH_VIDEO = 21, 13


@dataclass(frozen=True, slots=True)
class Crop:
    """Five seconds of a recording, seen under one view.

    Attributes:
        recording: where from.
        start: first 100-ms frame.
        deg: turn of the view, whole degrees.
    """

    recording: Recording
    start: int
    deg: int

    @property
    def name(self) -> str:
        """Name of the clip."""
        return f"{self.recording.name}_deg{self.deg:03d}_start{self.start:04d}"


def digest_of(recordings: Sequence[Recording]) -> str:
    """Tells sets of recordings apart by what draws depend on: their names and lengths."""
    about = sorted(f"{one.split}/{one.name} {one.frames}" for one in recordings)
    return hashlib.sha256("\n".join(about).encode(errors="surrogateescape")).hexdigest()[:16]


def official_crops(recordings: Sequence[Recording]) -> Iterator[Crop]:
    """The official set's draws, in its order, without end; the same crop may come again.

    Source: the sampling of the DCASE2025 stereo SELD generator: recordings by path, weighted by their length in 100-ms
    frames; start and view uniform; Python's generator seeded with 20250305.

    Raises:
        LabelError: there is nothing to draw from.
    """
    eligible = sorted((one for one in recordings if _official(one)), key=lambda one: (one.split, one.name))
    if recordings and not eligible:
        raise LabelError("none of the recordings is one of the official set; leave --official out, or check --starss")
    eligible = [one for one in eligible if one.frames >= CLIP_FRAMES]
    _refuse_empty(eligible)
    draw = random.Random(OFFICIAL_SEED)
    weights = [one.frames for one in eligible]
    while True:
        recording = draw.choices(eligible, weights)[0]
        start = draw.randint(0, recording.frames - CLIP_FRAMES)
        yield Crop(recording, start, draw.randint(0, 359))


def random_crops(recordings: Sequence[Recording], seed: int, every_deg: int | None = None) -> Iterator[Crop]:
    """Random crops, without end; draw i depends on the seed and i only.

    Args:
        recordings: where from; longer ones come more often.
        seed: of the draws.
        every_deg: all views at multiples of so many degrees, for each crop; None draws one view a crop.

    Raises:
        LabelError: there is nothing to draw from.
    """
    ordered = sorted(recordings, key=lambda one: (one.split, one.name))
    places = np.array([max(0, one.frames - CLIP_FRAMES + 1) for one in ordered])
    _refuse_empty([one for one, count in zip(ordered, places, strict=True) if count])
    ends = np.cumsum(places)
    index = 0
    while True:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))
        place, deg = int(rng.integers(ends[-1])), int(rng.integers(360))
        which = int(np.searchsorted(ends, place, side="right"))
        start = place - int(ends[which] - places[which])
        for view in [deg] if every_deg is None else range(0, 360, every_deg):
            yield Crop(ordered[which], start, view)
        index += 1


def different(crops: Iterator[Crop], patience: int = 100_000) -> Iterator[Crop]:
    """Each crop once; ends when `patience` crops in a row brought nothing new."""
    seen: set[str] = set()
    repeats = 0
    for crop in crops:
        if crop.name not in seen:
            seen.add(crop.name)
            repeats = 0
            yield crop
        elif (repeats := repeats + 1) >= patience:
            return


def _official(recording: Recording) -> bool:
    if recording.split.startswith("dev-test"):
        return True
    if recording.split != _SONY:
        return recording.split == "dev-train-tau"
    if recording.room == _ROOM_WITHOUT_VIDEO:
        return recording.mix >= _FIRST_MIX_WITH_VIDEO
    return recording.room == 22


def _refuse_empty(recordings: Sequence[Recording]) -> None:
    if not recordings:
        raise LabelError("none of the recordings asked for is as long as a clip (5 s); check --starss and the splits")
