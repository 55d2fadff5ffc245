"""Opening containers: what PyAV raises on bad files becomes a typed error, once and here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from earwitness.media.sound.wave_header import is_plain_wave

_MICROSECONDS: Final = 1_000_000
# FFmpeg plays any text file as a terminal recording.
_TEXT_FORMATS: Final = frozenset({"tty", "ffmetadata"})
# A playlist or a concat script must not make us open what it names, least of all over the network.
_LOCAL_FILES_ONLY: Final = {"protocol_whitelist": "file"}
_HEADER_ONLY: Final = {"probesize": "32"}
"""The least that FFmpeg takes."""


@contextmanager
def open_media(path: str | Path) -> Iterator[InputContainer]:
    """Open a media file for reading.

    Raises:
        UnreadableMediaError: the path is missing, a folder, empty, or holds nothing that can be demultiplexed.
    """
    path = Path(path)
    _check_file(path)
    try:
        options = _LOCAL_FILES_ONLY | (_HEADER_ONLY if is_plain_wave(path) else {})
        # The absolute path keeps names like "take:2.mp4" from being read as a protocol.
        container = av.open(str(path.absolute()), mode="r", metadata_errors="replace", container_options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableMediaError(
            f"{path}: not a readable video or audio file ({_reason(error)}); check that it plays and was copied in full"
        ) from None
    with container:
        if container.format.name in _TEXT_FORMATS:
            raise UnreadableMediaError(f"{path}: is text, not media; name a video or audio file")
        yield container


def zero_time(container: InputContainer) -> Fraction:
    """Time stamp (seconds) at which the container begins: the zero of all times that the readers report.

    MPEG transport streams and MP3 files begin at an arbitrary positive stamp, as players know.
    """
    return Fraction(max(0, container.start_time or 0), _MICROSECONDS)


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
    """

    def __init__(self, container: InputContainer, stream: AudioStream | VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.corrupt = 0
        self.warning: str | None = None

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


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise UnreadableMediaError(f"{path}: is a folder; name a video or audio file")
    if not path.is_file():
        raise UnreadableMediaError(f"{path}: no such file; check the name")
    if path.stat().st_size == 0:
        raise UnreadableMediaError(f"{path}: the file is empty; copy or record it again")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
