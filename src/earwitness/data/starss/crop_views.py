"""Writes the views of many crops of one 360-degree video; each panorama is decoded once for all crops that show it.

Most of the work for a picture is decoding the panorama, which is eight times as large as the view. The official 30,000
crops of 7.5 h show each panorama 5.6 times on average. Decoder, projection and encoders process batches of several
pictures in turn, since each of them fills the CPU cache.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame

from earwitness.core.errors import UnreadableMediaError
from earwitness.core.events import FRAME_SECONDS
from earwitness.core.geometry import DCASE_CAMERA
from earwitness.data.dcase.labels import CLIP_FRAMES
from earwitness.data.starss.crops import Crop
from earwitness.data.starss.foa import Recording
from earwitness.media.pictures.view360 import PanoramaView, numbered_frames
from earwitness.media.writer import FAST_VIDEO, MediaWriter

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
