"""Opening containers: what PyAV raises on bad files becomes a typed error, once and here."""

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

from earwitness.errors import UnreadableMediaError
from earwitness.media.formats import ALLOWED_FORMATS, is_text, refused_kind
from earwitness.media.limits import MediaLimits
from earwitness.media.wave_header import is_plain_wave, read_wave_header

_MICROSECONDS: Final = 1_000_000
# A file must not make us open what it names, least of all over the network: neither by its kind (playlists, concat
# scripts, image sequences) nor by what stands in it.
_ONE_LOCAL_FILE: Final = {"protocol_whitelist": "file", "format_whitelist": ",".join(sorted(ALLOWED_FORMATS))}
_HEADER_ONLY: Final = {"probesize": "32"}
"""The least that FFmpeg takes."""
# PyAV 19 always replaces what is no text in metadata, and has lost the option that asks for it.
_METADATA: Final[dict[str, Any]] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
_TO_THE_END: Final = {"ignore_length": "1"}


@contextmanager
def open_media(path: str | Path) -> Iterator[InputContainer]:
    """Open a media file for reading: this file and no other, whatever stands in it.

    Raises:
        UnreadableMediaError: the path is missing, no regular file, empty, of a kind that names other files, or holds
            nothing that can be demultiplexed.
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
            options={"max_pixels": str(limits.max_pixels)},  # of what is decoded only to know what it is
            container_options=options,
            timeout=float(limits.open_seconds),
            **_METADATA,
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableMediaError(_why_not(path, error)) from None
    with container:
        for stream in container.streams.video:
            if _decodable(stream):
                stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}  # whatever the header says
        yield container


def zero_time(container: InputContainer) -> Fraction:
    """Time stamp (seconds) at which the container begins: the zero of all times that the readers report.

    MPEG transport streams and MP3 files begin at an arbitrary positive stamp, recordings that were cut out of longer
    ones may begin at a negative one; players count from there. What an encoder put in front of the sound (priming)
    begins before it, and FFmpeg does not count it.
    """
    return Fraction(container.start_time or 0, _MICROSECONDS)


def container_duration(container: InputContainer) -> float | None:
    """Declared length of the container in seconds, None if it declares none."""
    return None if not container.duration or container.duration < 0 else container.duration / _MICROSECONDS


def audio_streams(container: InputContainer) -> list[AudioStream]:
    """All sound tracks that can be decoded, in the container's order."""
    return [stream for stream in container.streams.audio if _decodable(stream)]


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first moving-picture track; an attached cover picture is none."""
    streams = container.streams.video
    return next((stream for stream in streams if _decodable(stream) and not is_cover(stream)), None)


def is_cover(stream: VideoStream) -> bool:
    """Whether a video stream is only the cover art of a sound file."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


class PacketSource:
    """Packets of one stream; damage ends or interrupts the stream but never raises.

    Attributes:
        corrupt: packets that could not be decoded.
        warning: why demultiplexing stopped early; None if it reached the end of the file.
        read_bytes: byte behind the last packet, as far as the format says where packets lie.
    """

    def __init__(self, container: InputContainer, stream: AudioStream | VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.corrupt = 0
        self.warning: str | None = None
        self.read_bytes = 0

    def packets(self) -> Iterator[Packet[Any]]:
        """Packets in file order, the flushing one last."""
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
                # A flushing packet has no size, and nothing of the file is lost with it.
                if packet.size:
                    self.corrupt += 1
                    yield packet, None
                continue
            yield packet, frames


def stamp_seconds(pts: int | None, time_base: Fraction | None) -> Fraction | None:
    """A time stamp in exact seconds; None where there is none."""
    return None if pts is None or time_base is None else pts * Fraction(time_base)


def _decodable(stream: AudioStream | VideoStream) -> bool:
    # PyAV types it as always there; of a codec that it does not know there is none.
    return cast("object | None", stream.codec_context) is not None


def check_file(path: Path) -> None:
    """Refuse what is no regular file with something in it: a pipe or a device would hang whoever opens it.

    Raises:
        UnreadableMediaError: says what it is.
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
    """How a WAV file is opened; nothing for other files."""
    header = read_wave_header(path)
    if header is None:
        return {}
    return (_HEADER_ONLY if is_plain_wave(path) else {}) | (_TO_THE_END if header.goes_on else {})


def _why_not(path: Path, error: Exception) -> str:
    """What to say of a file that FFmpeg did not open."""
    kind = refused_kind(path)
    if kind:
        return f"{path}: is {kind}"
    if getattr(error, "errno", None) == EINVAL:  # its format is none of the allowed ones
        return f"{path}: is of a kind that is not opened; convert it to a usual one, such as MP4, Matroska or WAV"
    return f"{path}: not a readable video or audio file ({_reason(error)}); check that it plays and was copied in full"


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
