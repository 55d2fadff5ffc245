"""Perspective views of 360-degree video, made by FFmpeg's v360 filter.

The views equal those of `scenes.pictures.perspective`, the reference in the tests, and are made more than ten times as
fast: the filter processes only the visible part of the decoder's planes, with a map that many views share.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from earwitness.core.errors import MediaError, UnreadableMediaError
from earwitness.core.geometry import DCASE_CAMERA, Camera
from earwitness.media.containers.container import PacketSource, open_media, picture_stream

_TIME_BASE: Final = Fraction(1, 60_000)
_MARGIN: Final = 4
"""Extra pixels around the visible part, for interpolation and for crops at even columns."""


class PanoramaView:
    """Converts panoramas of one size and pixel format to perspective views.

    Args:
        width, height: size of the panoramas in pixels.
        pixels: FFmpeg's name of their pixel format.
        yaw: rotation of the view in degrees; moves the contents to the left, like `geometry.rotate_view`.
        camera: size and field of view of the views.

    Raises:
        MediaError: FFmpeg was built without the filter.
    """

    def __init__(self, width: int, height: int, pixels: str, yaw: float, camera: Camera = DCASE_CAMERA) -> None:
        window = _Window.around(width, height, yaw, camera)
        self._projection = _projection(window.size, (width, height), pixels, round(window.turn, 6), camera)
        self._crop: _FilterChain | None = None
        if window.size != (width, height) or window.left:
            self._crop = _FilterChain(width, height, pixels)
            window.add_crop(self._crop)
            self._crop.close()

    def __call__(self, panorama: VideoFrame) -> VideoFrame:
        """The view of one panorama."""
        seen = self._projection(panorama if self._crop is None else self._crop(panorama))
        # The filter graph loses the colour space; without it, colours would be shifted.
        seen.colorspace, seen.color_range = panorama.colorspace, panorama.color_range
        return seen


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a panorama that a view needs.

    Attributes:
        panorama: (width, height) of the panorama.
        size: (width, height) of the part; its middle row is that of the panorama.
        left: its first column, even; a part that crosses the panorama's right edge continues at the left edge.
        turn: angle in degrees from the part's centre to the camera axis, positive to the right.
    """

    panorama: tuple[int, int]
    size: tuple[int, int]
    left: int
    turn: float

    @classmethod
    def around(cls, width: int, height: int, yaw: float, camera: Camera) -> _Window:
        across, down = _filter_fov(camera)
        columns = min(width, 2 * ceil(across / 720 * width) + 2 * _MARGIN)
        rows = min(height, 2 * ceil(down / 360 * height) + 2 * _MARGIN)
        # Colour planes have half the rows, so the numbers of rows cropped above and below must both be even.
        rows = height if height % 2 else rows + (height - rows) % 4
        middle = (0.5 + yaw / 360) * width - 0.5
        left = 2 * round((middle - (columns - 1) / 2) / 2)
        turn = (middle - left - (columns - 1) / 2) / width * 360
        return cls((width, height), (columns, rows), left % width, turn)

    def add_crop(self, chain: _FilterChain) -> None:
        """Add filters to `chain` that copy the part to new memory.

        The projection reads pixels in scattered order, which is 1.5 times as fast in a part that was just copied.
        """
        (columns, rows), (width, height) = self.size, self.panorama
        top, over = (height - rows) // 2, self.left + columns - width
        if over <= 0:
            chain.add("crop", f"w={columns}:h={rows}:x={self.left}:y={top}")
            chain.add("copy", "")
            return
        split, joined = chain.graph.add("split"), chain.graph.add("hstack")
        chain.end.link_to(split)
        for output, (first, count) in enumerate(((self.left, columns - over), (0, over))):
            part = chain.graph.add("crop", f"w={count}:h={rows}:x={first}:y={top}")
            split.link_to(part, output, 0)
            part.link_to(joined, 0, output)
        chain.end = joined


class _FilterChain:
    """A chain of filters for pictures of one size and format, each of which gives one picture.

    Equal views share a chain. Limits on the work on a file (`limits_for`) can interrupt a call after its picture went
    in; the next call must not get that picture.
    """

    def __init__(self, width: int, height: int, pixels: str) -> None:
        self.graph = Graph()
        self.graph.threads = 1
        self._source = self.graph.add_buffer(
            width=width, height=height, format=VideoFormat(pixels), time_base=_TIME_BASE
        )
        self._sink: FilterContext | None = None
        self._interrupted = False
        self.end: FilterContext = self._source

    def add(self, name: str, options: str) -> None:
        """Append a filter."""
        added = self.graph.add(name, options)
        self.end.link_to(added)
        self.end = added

    def close(self) -> None:
        """Make the chain ready for use, after the last filter is added."""
        self._sink = self.graph.add("buffersink")
        self.end.link_to(self._sink)
        self.graph.configure()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Apply all filters to a picture."""
        assert self._sink is not None
        if self._interrupted:
            with suppress(BlockingIOError):  # until there is no picture left
                while True:
                    self._sink.pull()
        self._interrupted = True
        self._source.push(frame)
        made = self._sink.pull()
        self._interrupted = False
        assert isinstance(made, VideoFrame)
        return made


@lru_cache(maxsize=8)
def _projection(
    size: tuple[int, int], panorama: tuple[int, int], pixels: str, turn: float, camera: Camera
) -> _FilterChain:
    """The projection of a part of a panorama; its map is slow to compute and is shared by equal views."""
    across, down = _filter_fov(camera)
    options = {
        "input": "e", "output": "flat", "interp": "line", "w": camera.width, "h": camera.height,
        "h_fov": across, "v_fov": down, "yaw": turn,
        # The filter measures from the centre of the first pixel to that of the last one. Its colour planes are off by a
        # quarter of a colour pixel at the edges of the view, since half as many pixels span a slightly smaller angle.
        "ih_fov": (size[0] - 1) / panorama[0] * 360, "iv_fov": (size[1] - 1) / panorama[1] * 180,
    }  # fmt: skip
    chain = _FilterChain(*size, pixels)
    try:
        chain.add("v360", ":".join(f"{name}={value}" for name, value in options.items()))
        chain.close()
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"this FFmpeg has no filter v360 ({error}); install PyAV from its wheel") from None
    return chain


def _filter_fov(camera: Camera) -> tuple[float, float]:
    """Fields of view in degrees up to the outer edges of the outer pixels, as the filter defines them."""
    edge = np.tan(np.radians(camera.horizontal_fov_deg / 2))
    across = 2 * np.degrees(np.arctan(edge * camera.width / (camera.width - 1)))
    down = 2 * np.degrees(np.arctan(edge * camera.height / camera.width * camera.height / (camera.height - 1)))
    return float(across), float(down)


def panorama_frames(path: Path, first: int, count: int, fps: float) -> Iterator[VideoFrame]:
    """Pictures `first` .. `first + count - 1` of a video; only the data needed to decode them is read.

    Raises:
        UnreadableMediaError: the file cannot be opened or has no such picture.
    """
    yield from (frame for _, frame in numbered_frames(path, first, count, fps))


def numbered_frames(path: Path, first: int, count: int, fps: float) -> Iterator[tuple[int, VideoFrame]]:
    """Like `panorama_frames`, each with its number; numbers of damaged pictures are missing.

    Raises:
        UnreadableMediaError: the file cannot be opened or has no such picture.
    """
    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None or stream.time_base is None:
            raise UnreadableMediaError(f"{path}: has no video track")
        stream.codec_context.thread_count = 1
        begin = stream.start_time or 0
        if first:
            # Half a frame early, so that rounding never seeks past the requested picture.
            container.seek(begin + int((first - 0.5) / fps / stream.time_base), stream=stream, backward=True)
        frames = (frame for _, decoded in PacketSource(container, stream).frames() for frame in decoded or ())
        numbered = ((_number(frame, begin, fps), frame) for frame in frames)
        delivered = 0
        for number, frame in islice((pair for pair in numbered if pair[0] >= first), count):
            if number >= first + count:
                break
            delivered += 1
            yield number, frame
        if not delivered:
            raise UnreadableMediaError(f"{path}: picture {first} cannot be decoded; copy the video again")


def _number(frame: VideoFrame, begin: int, fps: float) -> int:
    if frame.pts is None or frame.time_base is None:
        return 0
    return round((frame.pts - begin) * float(frame.time_base) * fps)
