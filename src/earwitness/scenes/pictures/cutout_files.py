"""Reads the user's cut-outs: pictures with transparency from stills, animations and short videos."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
from av.codec import CodecContext
from av.video.stream import VideoStream
from PIL import Image

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.container import PacketSource, open_media, picture_stream
from earwitness.media.input_files import VIDEO_SUFFIXES
from earwitness.media.pictures import Orientation
from earwitness.scenes.pictures.photo import LARGEST, MOST_PICTURES, PICTURE_SUFFIXES, read_animation

CUTOUT_SUFFIXES: Final = PICTURE_SUFFIXES | VIDEO_SUFFIXES
_LEAST_ALPHA: Final = 16
"""Lower alpha values (of 255) are invisible."""


def read_cutout(path: Path) -> tuple[list[Image.Image], float | None]:
    """Pictures of mode RGBA, and their frame rate if the file has one.

    Raises:
        UnreadableMediaError: the file cannot be read or has no transparent pixels.
    """
    frames, rate = _film(path) if path.suffix.lower() in VIDEO_SUFFIXES else (read_animation(path), None)
    alpha_ranges = [frame.getchannel("A").getextrema() for frame in frames]
    if all(alpha == (255, 255) for alpha in alpha_ranges):
        raise UnreadableMediaError(
            f"{path}: has no transparent background; cut the object out and save it with alpha, as PNG or WebP"
        )
    if max(int(alpha[1]) for alpha in alpha_ranges) < _LEAST_ALPHA:  # type: ignore[arg-type]
        raise UnreadableMediaError(f"{path}: is completely transparent; save it with the object in it")
    return frames, rate


def _film(path: Path) -> tuple[list[Image.Image], float | None]:
    frames: list[Image.Image] = []
    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise UnreadableMediaError(f"{path}: has no video; give a short video with alpha")
        decoder = _decoder(stream)
        packets = PacketSource(container, stream).packets()
        try:
            for frame in islice((frame for packet in packets for frame in decoder.decode(packet)), MOST_PICTURES):
                picture = Image.fromarray(Orientation.of(frame).apply(frame.to_ndarray(format="rgba")))
                picture.thumbnail(LARGEST)
                frames.append(picture)
        except av.FFmpegError as error:
            raise UnreadableMediaError(f"{path}: cannot be decoded ({error}); export it again") from None
        rate = float(stream.average_rate) if stream.average_rate else None
    if not frames:
        raise UnreadableMediaError(f"{path}: no picture can be decoded; give a short video with alpha")
    return frames, rate


def _decoder(stream: VideoStream) -> Any:
    """A decoder that keeps alpha; FFmpeg's native decoders of VP8 and VP9 drop it."""
    own = stream.codec_context
    if own.name not in ("vp8", "vp9"):
        return own
    decoder: Any = CodecContext.create("libvpx-vp9" if own.name == "vp9" else "libvpx", "r")
    decoder.extradata = own.extradata
    return decoder
