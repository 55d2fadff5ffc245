"""Backgrounds from the user's 360-degree photos and videos: equirectangular, of any size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count, repeat
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MediaError
from earwitness.core.geometry import Camera
from earwitness.data.dcase.layout import walk_files
from earwitness.media.containers.probe import probe
from earwitness.media.input_files import VIDEO_SUFFIXES
from earwitness.media.view360 import PanoramaView, panorama_frames
from earwitness.scenes.pictures.interior.panorama import check_panorama, load_panorama
from earwitness.scenes.pictures.perspective import view
from earwitness.scenes.pictures.photo import PICTURE_SUFFIXES

Frame = NDArray[np.uint8]


class Background(Protocol):
    """The background of the pictures of a scene."""

    def frames(
        self, camera: Camera, view_deg: float, fps: Fraction | float, seconds: float, rng: np.random.Generator
    ) -> Iterator[Frame]:
        """Pictures (H, W, 3) of a camera rotated by `view_deg`; infinite.

        Args:
            camera: size and field of view.
            view_deg: rotation of the view.
            fps: pictures per second.
            seconds: duration that will be used.
            rng: draws the part of a video.
        """


@dataclass(eq=False)
class PanoramaPhoto:
    """A 360-degree photo: a picture (H, W, 3), or a file that is read on first use."""

    picture: Frame | Path

    def frames(
        self, camera: Camera, view_deg: float, fps: Fraction | float, seconds: float, rng: np.random.Generator
    ) -> Iterator[Frame]:
        """See `Background.frames`: always the same picture."""
        if isinstance(self.picture, Path):
            self.picture = load_panorama(self.picture)
        return repeat(view(self.picture, view_deg, camera))


@dataclass(eq=False)
class PanoramaVideo:
    """A 360-degree video; it is repeated if it is shorter than a scene."""

    path: Path
    _fps: float = field(init=False, repr=False)
    _seconds: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the file.

        Raises:
            UnreadableMediaError: it cannot be read.
            MediaError: it is not a 360-degree video.
        """
        media = probe(self.path)
        video = media.video
        if video is None or video.is_still:
            raise MediaError(f"{self.path}: has no video; give a 360-degree video")
        if abs(video.width - 2 * video.height) > 2:
            raise MediaError(
                f"{self.path}: a 360-degree video is twice as wide as high, this one is {video.width}x{video.height}; "
                "export it as a full equirectangular panorama"
            )
        self._fps = video.fps or 25.0
        self._seconds = video.duration or media.duration

    def frames(
        self, camera: Camera, view_deg: float, fps: Fraction | float, seconds: float, rng: np.random.Generator
    ) -> Iterator[Frame]:
        """See `Background.frames`."""
        start = float(rng.uniform(0, max(0.0, self._seconds - seconds)))
        pictures = self._endless(camera, view_deg, int(start * self._fps))
        picture, shown = next(pictures), 0
        for number in count():
            while shown < int(number / float(fps) * self._fps + 1e-6):
                picture, shown = next(pictures), shown + 1
            yield picture

    def _endless(self, camera: Camera, view_deg: float, first: int) -> Iterator[Frame]:
        yield from self._views(camera, view_deg, first)
        while True:
            yield from self._views(camera, view_deg, 0)

    def _views(self, camera: Camera, view_deg: float, first: int) -> Iterator[Frame]:
        turned: PanoramaView | None = None
        everything = int(self._seconds * self._fps) + 2
        for panorama in panorama_frames(self.path, first, everything, self._fps):
            turned = turned or PanoramaView(
                panorama.width, panorama.height, panorama.format.name, view_deg % 360.0, camera
            )
            yield np.asarray(turned(panorama).to_ndarray(format="rgb24"), dtype=np.uint8)


def open_backgrounds(folder: str | Path) -> list[Background]:
    """All 360-degree photos and videos in a folder, sorted by name; photos are read on first use.

    Raises:
        MediaError: the folder is missing or empty, or a photo or video does not cover 360 degrees.
        UnreadableMediaError: a photo or video cannot be read.
    """
    folder = Path(folder)
    found: list[Background] = []
    for path in walk_files(folder) if folder.is_dir() else ():
        if path.suffix.lower() in PICTURE_SUFFIXES:
            check_panorama(path)
            found.append(PanoramaPhoto(path))
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            found.append(PanoramaVideo(path))
    if not found:
        raise MediaError(f"{folder}: no 360-degree photos or videos; give a folder of JPEG, PNG or MP4 panoramas")
    return found


def unused_files(folder: Path) -> list[str]:
    """Files in a folder of backgrounds that are neither photos nor videos."""
    suffixes = PICTURE_SUFFIXES | VIDEO_SUFFIXES
    return [path.relative_to(folder).as_posix() for path in walk_files(folder) if path.suffix.lower() not in suffixes]
