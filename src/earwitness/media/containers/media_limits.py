"""Limits on media files: which formats are opened, and sizes that are checked before memory or hours are spent.

Each limit can be changed by an environment variable, such as `EARWITNESS_MAX_PIXELS`, for a valid file that needs more.

Only formats that contain their audio and video themselves are opened. FFmpeg also opens files that refer to other
files, or that render text as video: playlists (HLS, DASH), concat scripts, image sequences, session descriptions. None
of these is allowed, whatever the file's extension.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from earwitness.core.errors import MediaLimitError, UsageError

_PREFIX: Final = "EARWITNESS_"


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Limits for one file.

    Attributes:
        min_rate, max_rate: samples per second of an audio track.
        max_channels: channels of an audio track.
        max_pixels: width times height of a picture, including cover art.
        max_silence_seconds: total silence inserted into gaps of an audio track, if it exceeds `FILLED_RATIO` times the
            audio itself; the same for the time that a picture is repeated between distant time stamps.
        max_packets_per_second: packets per second of an audio track.
        open_seconds: time for opening a file, and for each read.
    """

    min_rate: int = 1_000
    max_rate: int = 768_000
    max_channels: int = 64
    max_pixels: int = 24_000_000
    max_silence_seconds: int = 600
    max_packets_per_second: int = 50_000
    open_seconds: int = 60

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> MediaLimits:
        """The default limits, changed by environment variables such as `EARWITNESS_MAX_PIXELS`.

        Raises:
            UsageError: the value of a variable is not a positive whole number.
        """
        given: dict[str, int] = {}
        for field in fields(cls):
            name = variable(field.name)
            if name in environment:
                given[field.name] = _positive(name, environment[name])
        return cls(**given)

    def check_sound(self, path: object, rate: int, channels: int) -> None:
        """Check the format of an audio track.

        Raises:
            MediaLimitError: its sample rate or its number of channels exceeds the limits.
        """
        if not self.min_rate <= rate <= self.max_rate:
            name = variable("max_rate" if rate > self.max_rate else "min_rate")
            raise MediaLimitError(
                f"{path}: its sound has {rate} samples per second; {self.min_rate} to {self.max_rate} are allowed "
                f"({name} changes the limit)"
            )
        if channels > self.max_channels:
            raise MediaLimitError(
                f"{path}: its sound has {channels} channels; up to {self.max_channels} are allowed "
                f"({variable('max_channels')} raises the limit)"
            )

    def check_picture(self, path: object, width: int, height: int) -> None:
        """Check the size of the pictures.

        Raises:
            MediaLimitError: they have too many pixels.
        """
        if width * height > self.max_pixels:
            raise MediaLimitError(
                f"{path}: its pictures of {width}x{height} pixels are larger than the limit of {self.max_pixels} "
                f"pixels; make a smaller copy, or raise {variable('max_pixels')}"
            )

    def check_filled(self, path: object, filled: float, there: float, what: str = "silence in its sound") -> None:
        """Check that a file does not consist mostly of gaps.

        Args:
            path: the file.
            filled: seconds inserted so far.
            there: seconds of real content so far.
            what: what is inserted, for the message.

        Raises:
            MediaLimitError: too much was inserted.
        """
        if filled > max(self.max_silence_seconds, FILLED_RATIO * there):
            raise MediaLimitError(
                f"{path}: its time stamps leave {filled:.0f} s of {what} around {there:.1f} s of content; if that is "
                f"correct, raise {variable('max_silence_seconds')}"
            )

    def check_packets(self, path: object, packets: int, seconds: float) -> None:
        """Check that audio is not split into absurdly small packets; the first 100,000 packets are always allowed.

        Raises:
            MediaLimitError: there are too many packets for their duration.
        """
        if packets > 2 * self.max_packets_per_second and packets > self.max_packets_per_second * seconds:
            raise MediaLimitError(
                f"{path}: its sound is split into {packets} packets for {seconds:.2f} s; convert the file, or raise "
                f"{variable('max_packets_per_second')}"
            )


FILLED_RATIO: Final = 4.0
"""Inserted duration that is always allowed, relative to the real content."""


def variable(limit: str) -> str:
    """Name of the environment variable for a limit."""
    return _PREFIX + limit.upper()


def _positive(name: str, text: str) -> int:
    try:
        value = int(text.replace("_", ""))
    except ValueError:
        value = 0
    if value < 1:
        raise UsageError(f"{name} must be a positive whole number, not '{text[:40]}'")
    return value


_VIDEO: Final = (
    "mov", "mp4", "matroska", "webm", "avi", "mpeg", "mpegts", "mpegvideo", "asf", "flv", "ogg", "mxf", "gxf", "nut",
    "dv", "wtv", "rm", "ivf", "h261", "h263", "h264", "hevc", "vvc", "m4v", "vc1", "obu", "av1", "mjpeg", "dhav", "lxf",
    "yuv4mpegpipe", "dirac", "cavsvideo", "nsv", "nuv", "pva", "ty",
)  # fmt: skip
_SOUND: Final = (
    "wav", "w64", "aiff", "caf", "au", "flac", "mp3", "aac", "loas", "ac3", "eac3", "ac4", "dts", "dtshd", "truehd",
    "mlp", "amr", "amrnb", "amrwb", "ape", "tak", "tta", "wv", "mpc", "mpc8", "shn", "dsf", "iff", "oma", "voc", "sox",
    "ircam", "nistsphere", "avr", "gsm", "qcp", "xwma", "iamf", "osq", "bonk", "paf", "pvf", "svs", "spdif", "sds",
)  # fmt: skip
_PICTURES: Final = (
    "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "gif", "gif_pipe", "apng", "webp", "jpegxl_pipe",
    "j2k_pipe", "jpegls_pipe", "pam_pipe", "pbm_pipe", "pgm_pipe", "ppm_pipe", "exr_pipe", "dpx_pipe", "qoi_pipe",
    "psd_pipe", "sunrast_pipe", "pcx_pipe",
)  # fmt: skip
ALLOWED_FORMATS: Final = frozenset(_VIDEO + _SOUND + _PICTURES)
"""FFmpeg's names of the allowed demuxers."""

_START_BYTES: Final = 2048
_TEXT_HEADERS: Final = (b"YUV4MPEG2 ", b"NIST_1A")
"""Start of media files with a text header, whose samples may look like text."""
_REFERRING_FORMATS: Final = (
    (b"#EXTM3U", "a playlist (HLS)"),
    (b"ffconcat", "a concat script"),
    (b"<MPD", "a playlist (DASH)"),
    (b"<SmoothStreamingMedia", "a playlist"),
    (b"[playlist]", "a playlist"),
    (b"[Reference]", "a playlist"),
    (b"<ASX", "a playlist"),
    (b"<asx", "a playlist"),
    (b"<smil", "a playlist"),
    (b"RTSPtext", "a link to a stream"),
    (b"rtsp://", "a link to a stream"),
    (b"v=0", "a description of a live stream (SDP)"),
    (b"<AssetMap", "a list of files (IMF)"),
    (b"<CompositionPlaylist", "a list of files (IMF)"),
)


def refused_kind(path: Path) -> str:
    """Description of a file that is not opened, to follow "is ..."; empty if it is not recognised."""
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except OSError:
        return ""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, kind in _REFERRING_FORMATS:
        if text.startswith(mark) or (mark.startswith(b"<") and mark in text):
            return f"{kind}, which refers to other files or streams; name the video or audio file itself"
    if _is_text(start):
        return "text, not media; name a video or audio file"
    if "%" in path.name:
        return "named like an image sequence; rename it without '%'"
    return ""


def is_text(path: Path) -> bool:
    """Whether a file is text, which FFmpeg may take for sound.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return _is_text(file.read(_START_BYTES))


def _is_text(start: bytes) -> bool:
    if not start.strip() or start.startswith(_TEXT_HEADERS):
        return False
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = start[: len(start) & ~1].decode("utf-16") if wide else start.decode("utf-8")
    except UnicodeDecodeError as error:
        if wide or error.start <= len(start) - 5:  # otherwise a character is cut at the end of the block
            return False
        text = start[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n\f\ufeff" for character in text)
