"""Opens containers; the only place where PyAV's exceptions for bad files are converted to typed errors."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.media_limits import ALLOWED_FORMATS, MediaLimits, is_text, refused_kind
from earwitness.media.sound.wave_header import is_plain_wave, read_wave_header

_MICROSECONDS: Final = 1_000_000
# A file must not cause other files or network addresses to be opened, neither by its format (playlists, concat scripts,
# image sequences) nor by its contents.
_ONE_LOCAL_FILE: Final = {"protocol_whitelist": "file", "format_whitelist": ",".join(sorted(ALLOWED_FORMATS))}
_HEADER_ONLY: Final = {"probesize": "32"}
"""FFmpeg's minimum."""
# PyAV 19 always replaces undecodable metadata, and no longer has the option for it.
_METADATA: Final[dict[str, Any]] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
_IGNORE_LENGTH: Final = {"ignore_length": "1"}


@contextmanager
def open_media(path: str | Path) -> Iterator[InputContainer]:
    """Open a media file for reading; its contents cannot cause other files to be opened.

    Raises:
        UnreadableMediaError: the file is missing, empty, not a regular file, of a format that refers to other files, or
            cannot be demultiplexed.
    """
    path = Path(path)
    check_file(path)
    limits = MediaLimits.from_environment()
    try:
        if is_text(path):
            raise UnreadableMediaError(f"{path}: is {refused_kind(path)}")
        options = _ONE_LOCAL_FILE | _wave_options(path)
        # The absolute path keeps names like "take:2.mp4" from being read as a protocol.
        container = av.open(
            str(path.absolute()),
            mode="r",
            options={"max_pixels": str(limits.max_pixels)},  # for frames decoded to identify the stream
            container_options=options,
            timeout=float(limits.open_seconds),
            **_METADATA,
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableMediaError(_open_error_text(path, error)) from None
    with container:
        for stream in container.streams.video:
            if _decodable(stream):
                stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}  # the header can be wrong
        yield container


def zero_time(container: InputContainer) -> Fraction:
    """Time stamp (seconds) at which the container starts: the origin of all times that the readers report.

    MPEG transport streams and MP3 files start at an arbitrary positive time stamp, excerpts of longer recordings
    sometimes at a negative one; players count from there. Encoder priming lies before this time and is not included.
    """
    return Fraction(container.start_time or 0, _MICROSECONDS)


def container_duration(container: InputContainer) -> float | None:
    """Declared duration of the container in seconds; None if there is none."""
    return None if not container.duration or container.duration < 0 else container.duration / _MICROSECONDS


def audio_streams(container: InputContainer) -> list[AudioStream]:
    """All decodable audio tracks, in the order of the container."""
    return [stream for stream in container.streams.audio if _decodable(stream)]


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first video track that is not a cover picture; None if there is none."""
    streams = container.streams.video
    return next((stream for stream in streams if _decodable(stream) and not is_cover(stream)), None)


def is_cover(stream: VideoStream) -> bool:
    """Whether a video stream is only the cover art of an audio file."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


class PacketSource:
    """Packets of one stream; damage skips packets or ends the stream, but never raises an exception.

    Attributes:
        corrupt: number of packets that could not be decoded.
        warning: why demultiplexing stopped early; None if it reached the end of the file.
        read_bytes: position after the last packet, if the format provides packet positions.
    """

    def __init__(self, container: InputContainer, stream: AudioStream | VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.corrupt = 0
        self.warning: str | None = None
        self.read_bytes = 0

    def packets(self) -> Iterator[Packet[Any]]:
        """Packets in file order; the last one is the flush packet."""
        demuxed = self._container.demux(self._stream)
        while True:
            try:
                packet = next(demuxed)
            except StopIteration:
                return
            except (av.FFmpegError, OSError) as error:
                self.warning = f"the file is damaged: reading stopped early ({_reason(error)})"
                return
            if packet.pos is not None:
                self.read_bytes = packet.pos + packet.size
            yield packet

    def frames(self) -> Iterator[tuple[Packet[Any], list[Any] | None]]:
        """Each packet with its decoded frames; None in place of the frames of a corrupt packet."""
        for packet in self.packets():
            try:
                frames: list[Any] = packet.decode()
            except (av.FFmpegError, OSError):
                # The flush packet is empty, so no data is lost with it.
                if packet.size:
                    self.corrupt += 1
                    yield packet, None
                continue
            yield packet, frames


def stamp_seconds(pts: int | None, time_base: Fraction | None) -> Fraction | None:
    """A time stamp in exact seconds; None if there is none."""
    return None if pts is None or time_base is None else pts * Fraction(time_base)


def _decodable(stream: AudioStream | VideoStream) -> bool:
    # PyAV's type hints are wrong here: streams of unknown codecs have no context.
    return cast("object | None", stream.codec_context) is not None


def check_file(path: Path) -> None:
    """Check that a path is a regular, non-empty file; opening a pipe or a device could block.

    Raises:
        UnreadableMediaError: it is not.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError, ValueError))
        why = "no such file; check the name" if missing else f"cannot be opened ({_reason(error)})"
        raise UnreadableMediaError(f"{path}: {why}") from None
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableMediaError(f"{path}: is a folder; name a video or audio file")
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableMediaError(f"{path}: is a pipe, a device or a socket; save it as a file first")
    if found.st_size == 0:
        raise UnreadableMediaError(f"{path}: the file is empty; copy or record it again")


def _wave_options(path: Path) -> dict[str, str]:
    """FFmpeg options for opening a WAV file; empty for other files."""
    header = read_wave_header(path)
    if header is None:
        return {}
    return (_HEADER_ONLY if is_plain_wave(path) else {}) | (_IGNORE_LENGTH if header.continues else {})


def _open_error_text(path: Path, error: Exception) -> str:
    """Error message for a file that FFmpeg cannot open."""
    kind = refused_kind(path)
    if kind:
        return f"{path}: is {kind}"
    if getattr(error, "errno", None) == EINVAL:  # its format is not in the list of allowed ones
        return f"{path}: has an unsupported format; convert it to a common one, such as MP4, Matroska or WAV"
    return f"{path}: not a readable video or audio file ({_reason(error)}); check that it plays, or copy it again"


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
