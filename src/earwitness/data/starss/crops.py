"""Random crops of a STARSS recording: viewing directions and times, and their sound, labels and pictures."""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
from av.video.frame import VideoFrame

from earwitness.core.errors import LabelError, UnreadableMediaError
from earwitness.core.events import FRAME_SECONDS
from earwitness.core.geometry import DCASE_CAMERA
from earwitness.data.dcase.labels import CLIP_FRAMES
from earwitness.data.starss.foa import Recording
from earwitness.media.view360 import PanoramaView, numbered_frames
from earwitness.media.writer import FAST_VIDEO, MediaWriter

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


MAX_GAP: Final = 60
"""Maximum gap between crops, in pictures, that is decoded instead of skipped, since seeking returns to a key frame."""
BATCH: Final = 10
"""Pictures per batch, which is decoded, projected and then encoded: 28 MB at 1920x960."""

Numbered = tuple[int, VideoFrame]
"""A picture with its number in the recording."""


@dataclass(slots=True)
class _OpenCrop:
    """A crop whose pictures are being written.

    Attributes:
        crop: the crop.
        first, end: range of its pictures in the recording, `end` exclusive.
        writer, view: video writer and projection.
        written: number of pictures written so far.
    """

    crop: Crop
    first: int
    end: int
    writer: MediaWriter
    view: PanoramaView
    written: int = 0

    def write(self, panoramas: Sequence[Numbered], rate: Fraction) -> None:
        """Append those of the given pictures that belong to the crop."""
        own = [(number, self.view(one)) for number, one in panoramas if self.first <= number < self.end]
        for number, view in own:
            self.writer.write_video_frame(view, (number - self.first) * rate.denominator / rate.numerator)
        self.written += len(own)

    def check(self) -> None:
        """Raise an error if more than a label frame's worth of pictures is missing."""
        count = self.end - self.first
        if count - self.written > ceil(FRAME_SECONDS * self.crop.recording.fps):
            raise UnreadableMediaError(
                f"{self.crop.recording.video}: only {self.written} of the {count} pictures from {self.first} on can be "
                "decoded; copy the video again"
            )


def write_views(crops: Sequence[Crop], folder: Path) -> Iterator[Crop]:
    """Write the view of each crop to `folder/<split>/<name>.mp4`, atomically.

    Args:
        crops: crops of one recording with a video, sorted by start.
        folder: folder of the videos, with one folder per split.

    Yields:
        Each crop when its file is complete.

    Raises:
        UnreadableMediaError: the video cannot be read, or a crop's pictures cannot be decoded.
        EncodingError: a file cannot be written.
    """
    for near in _runs(crops):
        yield from _write_run(near, folder)


def first_picture(crop: Crop) -> int:
    """Number of a crop's first picture, rounded like in the official generator."""
    return round(crop.start * FRAME_SECONDS * crop.recording.fps)


def pictures(recording: Recording) -> int:
    """Number of pictures of a crop."""
    return round(CLIP_FRAMES * FRAME_SECONDS * recording.fps)


def _runs(crops: Sequence[Crop]) -> Iterator[list[Crop]]:
    """Groups of crops that overlap or are close to each other."""
    run: list[Crop] = []
    for crop in crops:
        if run and first_picture(crop) > first_picture(run[-1]) + pictures(crop.recording) + MAX_GAP:
            yield run
            run = []
        run.append(crop)
    if run:
        yield run


def _write_run(crops: list[Crop], folder: Path) -> Iterator[Crop]:
    """Decode once from the start of the first crop to the end of the last one."""
    recording = crops[0].recording
    path, rate = recording.video, Fraction(recording.fps).limit_denominator(1001)
    assert path is not None
    count = pictures(recording)
    start, end = first_picture(crops[0]), first_picture(crops[-1]) + count
    waiting, active = deque(crops), deque[_OpenCrop]()
    try:
        for panoramas in _batches(numbered_frames(path, start, end - start, recording.fps)):
            while active and active[0].end <= panoramas[0][0]:
                yield _close_first(active)
            while waiting and _shows(panoramas, waiting[0]):
                active.append(_begin(waiting.popleft(), panoramas[0][1], folder, rate))
            for one in active:
                one.write(panoramas, rate)
        while active:
            yield _close_first(active)
        if waiting:
            lacking = first_picture(waiting[0])
            raise UnreadableMediaError(f"{path}: picture {lacking} cannot be decoded; copy the video again")
    except BaseException as error:  # including GeneratorExit: incomplete files must be deleted
        for one in active:
            with suppress(type(error)):
                one.writer.__exit__(type(error), error, error.__traceback__)
        raise


def _batches(panoramas: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    while batch := list(islice(panoramas, BATCH)):
        yield batch


def _shows(panoramas: Sequence[Numbered], crop: Crop) -> bool:
    first = first_picture(crop)
    return any(first <= number < first + pictures(crop.recording) for number, _ in panoramas)


def _begin(crop: Crop, panorama: VideoFrame, folder: Path, rate: Fraction) -> _OpenCrop:
    first, camera = first_picture(crop), DCASE_CAMERA
    writer = MediaWriter(
        folder / crop.recording.split / f"{crop.name}.mp4", camera.width, camera.height, rate, preset="ultrafast",
        options=FAST_VIDEO, colorspace=int(panorama.colorspace),
    )  # fmt: skip
    view = PanoramaView(panorama.width, panorama.height, panorama.format.name, crop.deg)
    writer.__enter__()
    return _OpenCrop(crop, first, first + pictures(crop.recording), writer, view)


def _close_first(active: deque[_OpenCrop]) -> Crop:
    active[0].check()  # before popleft, so that the file is deleted if this raises
    one = active.popleft()
    one.writer.__exit__(None, None, None)
    return one.crop
