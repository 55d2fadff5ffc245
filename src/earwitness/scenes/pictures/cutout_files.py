"""The user's cut-outs: pictures with a transparent ground, from stills, animations and short videos."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
from av.codec import CodecContext
from av.video.stream import VideoStream
from PIL import Image, ImageSequence

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.container import PacketSource, open_media, picture_stream

PICTURE_SUFFIXES: Final = frozenset({".png", ".webp", ".apng", ".gif"})
FILM_SUFFIXES: Final = frozenset({".mkv", ".mov", ".webm"})
_MOST_PICTURES: Final = 150
"""Pictures of a video that are kept: a few seconds are enough for something that moves a little."""
_LARGEST: Final = (1024, 1024)


def read_cutout(path: Path) -> tuple[list[Image.Image], float | None]:
    """Pictures of mode RGBA, and how many are to be shown a second where the file says so.

    Raises:
        UnreadableMediaError: the file cannot be read or has no transparent ground.
    """
    frames, rate = _film(path) if path.suffix.lower() in FILM_SUFFIXES else (_pictures(path), None)
    if all(frame.getchannel("A").getextrema() == (255, 255) for frame in frames):
        raise UnreadableMediaError(f"{path}: has no transparent ground; cut the thing out and save it with alpha")
    return frames, rate


def _pictures(path: Path) -> list[Image.Image]:
    try:
        with Image.open(path) as image:
            return [frame.convert("RGBA") for frame in ImageSequence.Iterator(image)]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableMediaError(f"{path}: no readable picture ({error}); give an RGBA PNG or WebP") from None


def _film(path: Path) -> tuple[list[Image.Image], float | None]:
    frames: list[Image.Image] = []
    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise UnreadableMediaError(f"{path}: holds no moving pictures; give a short video with alpha")
        decoder = _decoder(stream)
        packets = PacketSource(container, stream).packets()
        try:
            for frame in islice((frame for packet in packets for frame in decoder.decode(packet)), _MOST_PICTURES):
                picture = Image.fromarray(frame.to_ndarray(format="rgba"))
                picture.thumbnail(_LARGEST)
                frames.append(picture)
        except av.FFmpegError as error:
            raise UnreadableMediaError(f"{path}: cannot be decoded ({error}); export it again") from None
        rate = float(stream.average_rate) if stream.average_rate else None
    if not frames:
        raise UnreadableMediaError(f"{path}: no picture can be decoded; give a short video with alpha")
    return frames, rate


def _decoder(stream: VideoStream) -> Any:
    """What decodes a stream with its alpha: FFmpeg's own decoders of VP8 and VP9 drop it."""
    own = stream.codec_context
    if own.name not in ("vp8", "vp9"):
        return own
    decoder: Any = CodecContext.create("libvpx-vp9" if own.name == "vp9" else "libvpx", "r")
    decoder.extradata = own.extradata
    return decoder
