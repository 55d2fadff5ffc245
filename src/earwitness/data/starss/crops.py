"""Selection of crops and views of ambisonic recordings for stereo clips."""

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
    """Five seconds of a recording in one view.

    Attributes:
        recording: the recording.
        start: first 100-ms frame.
        deg: rotation of the view in whole degrees.
    """

    recording: Recording
    start: int
    deg: int

    @property
    def name(self) -> str:
        """Name of the clip."""
        return f"{self.recording.name}_deg{self.deg:03d}_start{self.start:04d}"


def digest_of(recordings: Sequence[Recording]) -> str:
    """Digest of the names and lengths of recordings, on which the draws depend."""
    about = sorted(f"{one.split}/{one.name} {one.frames}" for one in recordings)
    return hashlib.sha256("\n".join(about).encode(errors="surrogateescape")).hexdigest()[:16]


def official_crops(recordings: Sequence[Recording]) -> Iterator[Crop]:
    """Endless sequence of the official data set's draws, in its order; crops can be repeated.

    Source: the sampling of the DCASE2025 stereo SELD generator: recordings by path, weighted by their length in 100-ms
    frames; start and view uniform; Python's generator seeded with 20250305.

    Raises:
        LabelError: no recording is eligible.
    """
    eligible = sorted((one for one in recordings if _official(one)), key=lambda one: (one.split, one.name))
    if recordings and not eligible:
        raise LabelError("none of the recordings belongs to the official set; omit --official, or check --starss")
    eligible = [one for one in eligible if one.frames >= CLIP_FRAMES]
    _require_any(eligible)
    draw = random.Random(OFFICIAL_SEED)
    weights = [one.frames for one in eligible]
    while True:
        recording = draw.choices(eligible, weights)[0]
        start = draw.randint(0, recording.frames - CLIP_FRAMES)
        yield Crop(recording, start, draw.randint(0, 359))


def random_crops(recordings: Sequence[Recording], seed: int, every_deg: int | None = None) -> Iterator[Crop]:
    """Endless sequence of random crops; draw i depends only on the seed and i.

    Args:
        recordings: recordings, drawn in proportion to their lengths.
        seed: seed of the draws.
        every_deg: yield all views at multiples of this angle for each crop; None draws one view per crop.

    Raises:
        LabelError: no recording is long enough.
    """
    ordered = sorted(recordings, key=lambda one: (one.split, one.name))
    places = np.array([max(0, one.frames - CLIP_FRAMES + 1) for one in ordered])
    _require_any([one for one, count in zip(ordered, places, strict=True) if count])
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
    """Each crop once; ends after `patience` repeated crops in a row."""
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


def _require_any(recordings: Sequence[Recording]) -> None:
    if not recordings:
        raise LabelError("none of the selected recordings is as long as a clip (5 s); check --starss and the splits")
