"""The media formats that are opened: only those that contain their audio and video themselves.

FFmpeg also opens files that refer to other files, or that render text as video: playlists (HLS, DASH), concat scripts,
image sequences, session descriptions. None of these is allowed, whatever the file's extension.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

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
