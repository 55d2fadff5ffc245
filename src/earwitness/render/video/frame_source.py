"""The pictures to draw on: those of a video, a photograph, or a drawn background for files with sound only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from earwitness.core.errors import MediaLimitError, UnreadableMediaError
from earwitness.core.geometry import Camera
from earwitness.media.containers.probe import MediaInfo, probe
from earwitness.media.containers.sound_tracks import Track
from earwitness.media.pictures import PictureReader, picture_seconds
from earwitness.media.sound.audio import AudioReader
from earwitness.render.icons import RGBArray
from earwitness.render.style import SOFT_TEXT, TEXT, Scale, direction_text, font

SIZE: Final = (1280, 720)
_SKY: Final = np.array([38.0, 46.0, 60.0])
_GROUND: Final = np.array([18.0, 22.0, 29.0])
_LINE: Final = (62, 72, 88)
_STEP_DEG: Final = 15


def drawn_background(title: str, horizontal_fov_deg: float) -> RGBArray:
    """Draw a background (720, 1280, 3): the horizon, lines of equal azimuth with labels, and the file's name."""
    width, height = SIZE
    scale, camera = Scale(width, height), Camera(width, height, horizontal_fov_deg)
    shade = np.abs(np.linspace(-1, 1, height))[:, None, None]
    ground = (_GROUND + (_SKY - _GROUND) * (1 - shade) ** 1.5) * np.ones((1, width, 1))
    image = Image.fromarray(np.rint(ground).astype(np.uint8))
    drawing = ImageDraw.Draw(image)
    drawing.line([0, height // 2, width, height // 2], fill=_LINE, width=scale.px(1))
    for azimuth in range(-90 + _STEP_DEG, 90, _STEP_DEG):
        column = float(camera.column(azimuth))
        if not scale.px(24) <= column <= width - scale.px(24):
            continue
        drawing.line([column, height * 0.1, column, height * 0.9], fill=_LINE, width=scale.px(1))
        drawing.text((column, height * 0.065), direction_text(azimuth), font=font(scale.px(9)), fill=SOFT_TEXT,
                     anchor="mm")  # fmt: skip
    drawing.text((width / 2, height * 0.955), title, font=font(scale.px(12), True), fill=TEXT, anchor="mm")
    return np.array(image)


DRAWN_FPS: Final = 20
LEAST_WIDTH: Final = 32
LEAST_HEIGHT: Final = 16
"""Smaller pictures have no room for marks."""
_HOLD_FROM_SECONDS: Final = 0.3
_LONG_SECONDS: Final = 1.0
"""A picture shown longer than this is repeated `DRAWN_FPS` times a second, so that its marks can change."""
_DECLARED_WELL_SECONDS: Final = 1.0


class ShownFrame(NamedTuple):
    """One picture to draw on.

    Attributes:
        time: start, seconds.
        picture: (height, width, 3), read-only.
        length: duration, seconds; None if unknown.
    """

    time: float
    picture: RGBArray
    length: float | None


@dataclass(frozen=True, slots=True)
class KeptSound:
    """The audio track of an annotated video.

    Attributes:
        track: the track, from 0, or two mono ones; None is the default track.
        seconds: its duration, if known; otherwise it is measured by decoding.
    """

    track: Track | None = None
    seconds: float | None = None


class FrameSource:
    """Pictures for the whole duration of a file.

    Attributes:
        width, height: even size of the pictures, pixels.
        fps: nominal frame rate.
        duration: duration of pictures and sound together, seconds.
        has_picture: whether the pictures come from the file.
        replaced: why pictures of the file are replaced by a drawn background; empty if they are not.
    """

    def __init__(
        self, source: Path, horizontal_fov_deg: float, threads: int = 1, sound: KeptSound | None = None
    ) -> None:
        """Open `source`.

        Args:
            source: video or sound file. If its pictures cannot be decoded or are tiny, a background is drawn instead.
            horizontal_fov_deg: field of view of the camera.
            threads: threads of the decoder.
            sound: the audio track that determines the duration; by default the default track.

        Raises:
            MediaError: the file cannot be read.
        """
        sound = sound or KeptSound()
        info = probe(source)
        self._reader, self.replaced = _reader(source, info, threads)
        self.has_picture = self._reader is not None
        self.fps = Fraction(DRAWN_FPS)
        self._last: RGBArray | None = None
        self._sound = _sound_seconds(info, sound.track) if sound.seconds is None else sound.seconds
        if self._reader is None:
            title = source.name.encode(errors="replace").decode()  # names may contain bytes that are not valid text
            self._last = drawn_background(title, horizontal_fov_deg)
            height, width = self._last.shape[:2]
        else:
            width, height = self._reader.width, self._reader.height
            self.fps = self.fps if info.video is None or info.video.is_still else self._reader.frame_rate
        self.width, self.height = width // 2 * 2, height // 2 * 2
        self.duration = max(self._sound, _picture_end(info, self._sound) if self.has_picture else 0.0, 0.1)

    def pictures(self) -> Iterator[ShownFrame]:
        """Yield all pictures, cropped to the even size; the last one is repeated until the sound ends."""
        end = 0.0
        if self._reader is not None:
            yield from self._moving(self._reader)
            end = self._reader.duration
            if self._sound <= end + _HOLD_FROM_SECONDS:
                return
        if self._last is not None:
            yield from _repeated(self._even(self._last), end, self._sound)

    def _moving(self, reader: PictureReader) -> Iterator[ShownFrame]:
        held: tuple[float, RGBArray] | None = None
        for time, picture in reader:
            if held is not None:
                yield from self._shown(*held, time)
            held = time, picture
        if held is not None:
            self._last = held[1]
            yield from self._shown(*held, reader.duration)

    def _shown(self, time: float, picture: RGBArray, until: float) -> Iterator[ShownFrame]:
        if until - time > _LONG_SECONDS:
            yield from _repeated(self._even(picture), time, until)
        else:
            yield ShownFrame(time, self._even(picture), max(until - time, 0.0) or None)

    def _even(self, picture: RGBArray) -> RGBArray:
        return picture[: self.height, : self.width]


def _reader(source: Path, info: MediaInfo, threads: int) -> tuple[PictureReader | None, str]:
    """The reader of the pictures; or None, and why pictures that the file has are not used."""
    if info.video is None:
        return None, ""
    try:
        reader = PictureReader(source, threads=threads)
    except (UnreadableMediaError, MediaLimitError):
        return None, "the pictures cannot be decoded; the events are drawn on a plain background instead"
    if reader.width >= LEAST_WIDTH and reader.height >= LEAST_HEIGHT:
        return reader, ""
    size = f"{reader.width}x{reader.height} pixels"
    return None, f"the picture ({size}) has no room for markers; they are drawn on a plain background instead"


def _repeated(picture: RGBArray, start: float, stop: float) -> Iterator[ShownFrame]:
    """Yield a picture from `start` to `stop`, at multiples of 1 / `DRAWN_FPS`."""
    time, index = start, int(np.floor(start * DRAWN_FPS + 1e-6)) + 1
    while time < stop - 1e-3:
        following = min(index / DRAWN_FPS, stop)
        yield ShownFrame(time, picture, following - time)
        time, index = following, index + 1


def _sound_seconds(info: MediaInfo, track: Track | None) -> float:
    """Duration of the decoded sound; declared durations may be wrong, and files truncated."""
    if info.audio is None:
        return 0.0
    reader = AudioReader(info.path, rate=8000, mono="allow", track=track)
    for _ in reader:
        pass
    return reader.duration


def _picture_end(info: MediaInfo, sound: float) -> float:
    """End of the pictures, seconds: the declared one if it agrees with the sound, else from their packets."""
    if info.audio is None or abs(info.duration - sound) <= _DECLARED_WELL_SECONDS:
        return info.duration
    return picture_seconds(info.path)
