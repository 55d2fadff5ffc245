"""Where events are drawn: a video's own pictures, a photograph, or a drawn background."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from earwitness.media.audio import AudioReader
from earwitness.media.pictures import PictureReader
from earwitness.media.probe import MediaInfo, probe
from earwitness.render.background import drawn_background
from earwitness.render.sprite import RGBArray

DRAWN_FPS: Final = 20
_HOLD_FROM_SECONDS: Final = 0.3


class Shown(NamedTuple):
    """One picture to draw on.

    Attributes:
        time: seconds.
        picture: (height, width, 3), not to be written to.
        length: seconds that it is shown; None where unknown.
    """

    time: float
    picture: RGBArray
    length: float | None


class Stage:
    """Pictures over the whole length of a file.

    Attributes:
        width, height: of the pictures, even.
        fps: nominal rate.
        duration: of pictures and sound together, seconds.
        has_picture: whether a camera made the pictures.
    """

    def __init__(self, source: Path, horizontal_fov_deg: float, threads: int = 1) -> None:
        """Look at `source`.

        Raises:
            MediaError: it cannot be read.
        """
        info = probe(source)
        self.has_picture = info.video is not None
        self.fps = Fraction(DRAWN_FPS)
        self._reader: PictureReader | None = None
        self._last: RGBArray | None = None
        self._sound = _sound_seconds(info)
        if info.video is None:
            title = source.name.encode(errors="replace").decode()  # a name may hold bytes that are no text
            self._last = drawn_background(title, horizontal_fov_deg)
            height, width = self._last.shape[:2]
        else:
            self._reader = PictureReader(source, threads=threads)
            width, height = self._reader.width, self._reader.height
            self.fps = self.fps if info.video.is_still else self._reader.frame_rate
        self.width, self.height = width // 2 * 2, height // 2 * 2
        self.duration = max(info.duration, self._sound, 0.1)

    def pictures(self) -> Iterator[Shown]:
        """All pictures, cut to the even size; the last one is repeated while sound goes on."""
        end = 0.0
        if self._reader is not None:
            yield from self._moving(self._reader)
            end = self._reader.duration
            if self._sound <= end + _HOLD_FROM_SECONDS:
                return
        if self._last is not None:
            yield from self._held(self._even(self._last), end)

    def _moving(self, reader: PictureReader) -> Iterator[Shown]:
        held: tuple[float, RGBArray] | None = None
        for time, picture in reader:
            if held is not None:
                yield Shown(held[0], self._even(held[1]), time - held[0])
            held = time, picture
        if held is not None:
            self._last = held[1]
            yield Shown(held[0], self._even(held[1]), max(reader.duration - held[0], 0.0) or None)

    def _held(self, picture: RGBArray, start: float) -> Iterator[Shown]:
        first, stop = (int(np.ceil(seconds * DRAWN_FPS - 1e-6)) for seconds in (start, self._sound))
        for index in range(first, stop):
            time = index / DRAWN_FPS
            yield Shown(time, picture, min(1 / DRAWN_FPS, max(self._sound - time, 1e-3)))

    def _even(self, picture: RGBArray) -> RGBArray:
        return picture[: self.height, : self.width]


def _sound_seconds(info: MediaInfo) -> float:
    """How long the sound lasts; counted where the file does not declare its length."""
    if info.audio is None:
        return 0.0
    if info.duration > 0:
        return info.duration
    reader = AudioReader(info.path, rate=8000, mono="allow")
    for _ in reader:
        pass
    return reader.duration
