"""Reads the pictures of a video, upright and with their presentation times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from earwitness.core.errors import NoVideoError, UnreadableMediaError
from earwitness.media.containers.container import PacketSource, open_media, picture_stream, stamp_seconds, zero_time
from earwitness.media.containers.media_limits import MediaLimits
from earwitness.media.timeline import PictureClock

_MATRIX_BYTES: Final = 36
_SIDE_DATA_OF: Final[Any] = SideDataContainer


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight orientations of a picture: transposed first, then flipped.

    Attributes:
        transpose: whether rows and columns are exchanged.
        flip_x, flip_y: horizontal and vertical mirroring after the transposition.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Orientation:
        """Orientation according to a frame's display matrix; upright if there is none.

        The matrix maps (x, y) to (a x + c y, b x + d y), y downwards; matrices that are not quarter turns are rounded.
        """
        # `frame.side_data` would create a reference cycle, which keeps pictures in memory until the garbage collector
        # runs.
        side_data = _SIDE_DATA_OF(frame).get("DISPLAYMATRIX")
        if side_data is None:
            return cls()
        raw = bytes(side_data)
        if len(raw) < _MATRIX_BYTES:
            return cls()
        a, b, _, c, d = (int(value) for value in np.frombuffer(raw, np.int32, count=5))
        if abs(b) > abs(a):
            return cls(transpose=True, flip_x=c < 0, flip_y=b < 0)
        return cls(flip_x=a < 0, flip_y=d < 0)

    @property
    def rotation(self) -> int:
        """Counter-clockwise turn in degrees: 0, 90, 180 or 270 (of a mirrored picture, after mirroring left-right)."""
        if self.transpose:
            return 90 if self.flip_y else 270
        return 180 if self.flip_y else 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Displayed width and height."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (H, W, 3) in display orientation, contiguous."""
        if self.transpose:
            picture = picture.transpose(1, 0, 2)
        rows, columns = (slice(None, None, -1) if flip else slice(None) for flip in (self.flip_y, self.flip_x))
        return np.ascontiguousarray(picture[rows, columns])


def square_width(frame: VideoFrame, sample_aspect: Any) -> int:
    """Width of a frame in square pixels, which the camera geometry needs."""
    if not sample_aspect or sample_aspect <= 0 or sample_aspect == 1:
        return frame.width
    return max(1, round(frame.width * Fraction(sample_aspect)))


RGBArray = NDArray[np.uint8]
_DEFAULT_FPS: Final = 25
_CLOCK_SLACK: Final = 1e-6
_LONG_STILL: Final = 10.0
"""Frame interval in seconds above which a picture counts as repeated; encoders rarely produce such intervals."""


class Picture(NamedTuple):
    """One picture of a video.

    Attributes:
        time: seconds from the container's start.
        rgb: (H, W, 3) uint8, rotation applied, square pixels.
    """

    time: float
    rgb: RGBArray


class PictureReader:
    """Iterates over `Picture` (time, rgb) in presentation order; each iteration reads the file from the beginning.

    Attributes:
        width, height: displayed size of all pictures in pixels.
        frame_rate: average frames per second.
        start: time of the first picture in seconds; set when it is read.
        duration: end of the last picture read so far, in seconds.
        corrupt_packets: number of packets that could not be decoded.
        warnings: warnings about the file for the user.
    """

    start: float
    duration: float

    def __init__(
        self, path: str | Path, fps: float | None = None, threads: int = 1, most_lines: int | None = None
    ) -> None:
        """Open the file and decode its first picture.

        Args:
            path: a video file.
            fps: None yields every picture with its own time. A number yields pictures at the times k / fps, each the
                one that a player shows at that time, so pictures are repeated or skipped as necessary.
            threads: number of decoder threads.
            most_lines: larger pictures are scaled down so that their shorter side has this many pixels.

        Raises:
            UnreadableMediaError: the file cannot be opened, or none of its pictures can be decoded.
            NoVideoError: there is no video track; cover art does not count.
            MediaLimitError: the pictures are too large, or one is repeated for too long (`MediaLimits`).
        """
        self.path, self.fps, self.threads = Path(path), fps, threads
        # A frame's own conversion would set up its tables each time, which takes as long as the conversion.
        self._reformatter = VideoReformatter()
        self._limits = MediaLimits.from_environment()
        self._reset()
        with open_media(self.path) as container:
            stream = self._stream(container)
            self.frame_rate = _frame_rate(stream)
            _, first, _ = next(self._frames(container, stream))
            orientation = Orientation.of(first)
            shown = orientation.size(square_width(first, stream.sample_aspect_ratio), first.height)
            self.width, self.height = _within(shown, most_lines)
        self._reset()

    def __iter__(self) -> Iterator[Picture]:
        """Pictures in presentation order."""
        self._reset()
        with open_media(self.path) as container:
            stream = self._stream(container)
            frames = self._frames(container, stream)
            if self.fps is None:
                for time, frame, _ in frames:
                    yield Picture(time, self._rgb(frame))
            else:
                yield from self._sampled(frames, self.fps)

    def _sampled(self, frames: Iterator[tuple[float, VideoFrame, float]], fps: float) -> Iterator[Picture]:
        index, shown, rgb = 0, None, None
        for time, frame, _ in frames:
            if shown is not None:
                while index / fps < time - _CLOCK_SLACK:
                    rgb = self._rgb(shown) if rgb is None else rgb
                    yield Picture(index / fps, rgb)
                    index += 1
            shown, rgb = frame, None
        while shown is not None and index / fps < self.duration - _CLOCK_SLACK:
            rgb = self._rgb(shown) if rgb is None else rgb
            yield Picture(index / fps, rgb)
            index += 1

    def _frames(self, container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame, float]]:
        """(time, frame, nominal duration) with times that never decrease."""
        source, nominal = PacketSource(container, stream), float(1 / self.frame_rate)
        clock = PictureClock(zero_time(container), nominal)
        begun, still, shown = False, 0.0, 0.0
        for _, frames in source.frames():
            self.corrupt_packets = source.corrupt
            for frame in frames or ():
                length, base = _length(frame, nominal), frame.time_base
                time = clock.place(stamp_seconds(frame.pts, base), stamp_seconds(frame.dts, base), length)
                if not begun:
                    begun, self.start = True, time
                elif time - shown > _LONG_STILL:
                    still += time - shown
                    self._limits.check_filled(self.path, still, time - still, "repeated pictures")
                shown = time
                self.duration = max(self.duration, time + length)
                yield time, frame, length
        if source.warning:
            self.warnings.append(source.warning)
        if clock.restarts:
            self.warnings.append(
                f"the time stamps of the pictures jump {clock.restarts} times; later times may be wrong"
            )
        if self.corrupt_packets:
            self.warnings.append(f"{self.corrupt_packets} corrupt picture packets were skipped")
        if not begun:
            raise UnreadableMediaError(
                f"{self.path}: none of its pictures can be decoded, or they have more than {self._limits.max_pixels} "
                "pixels; convert the file or copy it again"
            )

    def _rgb(self, frame: VideoFrame) -> RGBArray:
        orientation = Orientation.of(frame)
        width, height = orientation.size(self.width, self.height)
        # One call converts both the size (square pixels, or a stream that changes its size) and the colours.
        upright: Any = self._reformatter.reformat(frame, width, height, "rgb24").to_ndarray()
        return orientation.apply(upright)

    def _stream(self, container: InputContainer) -> VideoStream:
        stream = picture_stream(container)
        if stream is None:
            raise NoVideoError(f"{self.path}: has no pictures, only sound; name a video file")
        context = stream.codec_context
        self._limits.check_picture(self.path, context.width, context.height)
        context.thread_count = self.threads
        return stream

    def _reset(self) -> None:
        self.start, self.duration = 0.0, 0.0
        self.corrupt_packets = 0
        self.warnings: list[str] = []


def picture_seconds(path: str | Path) -> float:
    """End of the last picture of a video in seconds, from packet time stamps without decoding.

    Raises:
        UnreadableMediaError: the file cannot be opened.
    """
    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None:
            return 0.0
        nominal = float(1 / _frame_rate(stream))
        clock, end = PictureClock(zero_time(container), nominal), 0.0
        for packet in PacketSource(container, stream).packets():
            if packet.size:
                shown, decoded = (stamp_seconds(stamp, packet.time_base) for stamp in (packet.pts, packet.dts))
                length = float(stamp_seconds(packet.duration, packet.time_base) or nominal)
                # In packet order, decoding time stamps increase, but presentation time stamps do not.
                end = max(end, clock.place(shown if decoded is None else None, decoded, length) + length)
        return end


def _frame_rate(stream: VideoStream) -> Fraction:
    return Fraction(stream.average_rate or stream.guessed_rate or _DEFAULT_FPS)


def _within(size: tuple[int, int], most_lines: int | None) -> tuple[int, int]:
    share = 1.0 if most_lines is None else min(1.0, most_lines / min(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _length(frame: VideoFrame, nominal: float) -> float:
    length = stamp_seconds(frame.duration, frame.time_base)
    return float(length) if length else nominal
