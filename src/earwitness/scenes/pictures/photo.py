"""Reads the user's pictures: photos and animations, limited in size and upright, and cut-outs with transparency.

Pictures have 8 bits per channel afterwards. Only formats that need no external tools are read.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.codec import CodecContext
from av.video.stream import VideoStream
from PIL import Image, ImageOps, ImageSequence

from earwitness.core.errors import UnreadableMediaError, first_line
from earwitness.media.containers.container import PacketSource, open_media, picture_stream
from earwitness.media.input_files import VIDEO_SUFFIXES
from earwitness.media.pictures import Orientation

PICTURE_SUFFIXES: Final = frozenset(
    {".apng", ".avif", ".bmp", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp"}
)
_FORMATS: Final = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TGA", "TIFF", "WEBP")
MOST_PIXELS: Final = 128_000_000
"""Maximum size of a picture: a panorama of 16000 x 8000."""
MOST_PICTURES: Final = 150
"""Maximum number of pictures that are read from an animation."""
LARGEST: Final = (1024, 1024)
_KEPT_PIXELS: Final = 64_000_000
"""Larger animations are scaled down to `LARGEST`."""
_WORKED_ON: Final = 33_000_000
"""Maximum size of a picture that is rotated and converted; larger ones are first reduced by a whole factor."""
_ORIENTATION: Final = 0x0112
_FULL_16_BITS: Final = 65_535
_BROKEN: Final = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, OverflowError, MemoryError,
    struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
"""Errors that Pillow raises on damaged files."""

CUTOUT_SUFFIXES: Final = PICTURE_SUFFIXES | VIDEO_SUFFIXES
_LEAST_ALPHA: Final = 16
"""Lower alpha values (of 255) are invisible."""


def read_photo(path: Path, mode: str = "RGB") -> Image.Image:
    """The picture of a file, upright, in mode "RGB" or "RGBA"; the first one of an animation.

    Raises:
        UnreadableMediaError: the picture cannot be read or is too large.
    """
    with _opened(path) as image:
        return _upright(image, mode)


def read_animation(path: Path) -> list[Image.Image]:
    """The pictures of a file, upright, in mode "RGBA"; several for an animation.

    Raises:
        UnreadableMediaError: as `read_photo`.
    """
    with _opened(path) as image:
        frames: list[Image.Image] = []
        small = min(getattr(image, "n_frames", 1), MOST_PICTURES) * image.width * image.height > _KEPT_PIXELS
        for frame in islice(ImageSequence.Iterator(image), MOST_PICTURES):
            picture = _upright(frame, "RGBA")
            if small and getattr(image, "n_frames", 1) > 1:
                picture.thumbnail(LARGEST)
            frames.append(picture)
        return frames


def photo_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright picture; only the header is read, except for rotated pictures.

    Raises:
        UnreadableMediaError: as `read_photo`.
    """
    with _opened(path) as image:
        on_its_side, size = image.getexif().get(_ORIENTATION) in (5, 6, 7, 8), image.size
    # Pillow rotates the size of some formats itself, so that the picture must be read.
    return read_photo(path).size if on_its_side else size


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        if not path.is_file():
            raise OSError("no such file")
        with warnings.catch_warnings():
            # Warnings about recoverable damage and about sizes, which are limited below.
            warnings.simplefilter("ignore")
            # Given a path, Pillow would memory-map TIFF files and ignore their rotation.
            with path.open("rb") as file, Image.open(file, formats=_known_formats()) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise OSError(f"{image.width}x{image.height} pixels are more than {MOST_PIXELS // 10**6} million")
                yield image
    except _BROKEN as error:
        raise UnreadableMediaError(
            f"{path}: no readable picture ({first_line(error)}); give a JPEG, PNG or WebP"
        ) from None


def _known_formats() -> list[str]:
    """The accepted formats that this build of Pillow supports."""
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _upright(image: Image.Image, mode: str) -> Image.Image:
    return _eight_bits(ImageOps.exif_transpose(_smaller(image))).convert(mode)


def _smaller(image: Image.Image) -> Image.Image:
    """The picture with at most `_WORKED_ON` pixels: copies of larger ones took gigabytes, and views show a fraction."""
    factor = math.ceil(math.sqrt(image.width * image.height / _WORKED_ON))
    if factor <= 1:
        return image
    turn = image.getexif().get(_ORIENTATION)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode.startswith("I"):  # of which Pillow averages not every kind
        smaller = Image.fromarray(np.asarray(image)[::factor, ::factor])
    else:
        smaller = image.reduce(factor)
    if turn is not None:
        smaller.getexif()[_ORIENTATION] = turn
    return smaller


def _eight_bits(image: Image.Image) -> Image.Image:
    """Convert grey of 16 bits, 32 bits or floats to 8 bits by scaling; Pillow would clip it at 255."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    if image.mode == "F":
        # Full scale of floats is usually 1; larger values are scaled to the maximum.
        full = max(1.0, float(values.max(initial=0.0)))
    else:
        full = _FULL_16_BITS * max(1.0, np.ceil(float(values.max(initial=0.0)) / _FULL_16_BITS))
    return Image.fromarray(np.clip(np.rint(values * (255 / full)), 0, 255).astype(np.uint8))


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
