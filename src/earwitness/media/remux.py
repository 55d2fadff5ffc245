"""Copies existing tracks into new files: the sound for a new MP4, and a video with a further subtitle track.

Sound that MP4 does not support is encoded again; all other packets are copied as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition

from earwitness.core.errors import EncodingError, first_line
from earwitness.core.files.atomic import atomic_file
from earwitness.media.containers.container import PacketSource, audio_streams, container_duration, open_media, zero_time
from earwitness.media.containers.sound_tracks import Track
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import StereoArray
from earwitness.media.timeline import MAX_JUMP_SECONDS, MAX_OVERLAP_SECONDS

COPIED_CODECS: Final = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})
AAC_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_BIT_RATE: Final = 192_000
# In these formats each AAC packet carries the decoder configuration, which MP4 needs once, in its header.
_HEADERLESS: Final = frozenset({"mpegts", "aac"})

SUBTITLE_CODECS: Final = {".mkv": "subrip", ".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text"}
"""Codec of the subtitles by container."""
_TICKS: Final = Fraction(1, 1000)
_SUBTITLE_HEADER: Final = (
    b"[Script Info]\nScriptType: v4.00+\nPlayResX: 384\nPlayResY: 288\n\n[V4+ Styles]\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    b"Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, "
    b"MarginV, Encoding\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H80000000,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\n\n"
    b"[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)
"""FFmpeg's encoders take the look of the track from it; they are opened, but packets are made here."""
_LANGUAGES: Final = {"en": "eng", "de": "deu", "fr": "fra", "es": "spa", "zh": "zho", "ja": "jpn"}
"""ISO 639-2 codes, which containers store; others are stored as given if they have three letters."""

Line = tuple[float, float, str]
"""Start and end in seconds, and text."""


class Soundtrack(Protocol):
    """Audio packets to be interleaved with video packets."""

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """Remaining packets that begin at or before `seconds`, in order."""


class AacEncoder:
    """Encodes stereo blocks as AAC packets."""

    def __init__(self, output: OutputContainer, rate: int, *, true_waves: bool = False) -> None:
        """Add an audio track.

        Args:
            output: container to write to.
            rate: samples per second.
            true_waves: preserve the waveforms and level differences of both channels, without perceptual noise
                substitution. Also four times as fast.
        """
        options = {"aac_coder": "fast", "aac_pns": "0"} if true_waves else {}
        self.stream: Any = output.add_stream("aac", rate=rate, layout="stereo", options=options)
        self.stream.bit_rate = _BIT_RATE if rate >= 32000 else _BIT_RATE // 2
        self.rate = rate
        self._samples = 0

    def encode(self, block: StereoArray) -> list[Packet[Any]]:
        """Encode (2, n) samples in [-1, 1]; returns the packets that are ready."""
        clipped = np.ascontiguousarray(np.clip(block, -1.0, 1.0), dtype=np.float32)
        frame = AudioFrame.from_ndarray(clipped, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._samples, Fraction(1, self.rate)
        self._samples += block.shape[1]
        return list(self.stream.encode(frame))

    def finish(self) -> list[Packet[Any]]:
        """The remaining packets."""
        return list(self.stream.encode(None))


class CopiedSoundtrack:
    """Unchanged packets of an audio track; times count from the container's start, and clock restarts are removed."""

    def __init__(self, source: InputContainer, output: OutputContainer, track: int = 0) -> None:
        stream = audio_streams(source)[track]
        self.stream: Any = output.add_stream_from_template(stream)
        base = Fraction(stream.time_base or Fraction(1, 1_000_000))
        self._second = 1 / base
        self._shift = -round(zero_time(source) / base)
        self._last: tuple[int, int] | None = None
        self._packets = self._placed(PacketSource(source, stream).packets())
        self._next = next(self._packets, None)

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """See `Soundtrack`."""
        while self._next is not None and self._next[0] <= seconds * self._second:
            (_, packet), self._next = self._next, next(self._packets, None)
            packet.stream = self.stream
            yield packet

    def _placed(self, packets: Iterator[Packet[Any]]) -> Iterator[tuple[int, Packet[Any]]]:
        for packet in packets:
            if packet.dts is None:  # the flush packet
                continue
            dts = packet.dts + self._shift
            if self._last is not None:
                last, length = self._last
                if not last - MAX_OVERLAP_SECONDS * self._second <= dts <= last + MAX_JUMP_SECONDS * self._second:
                    self._shift += last + length - dts
                    dts = last + length
                if dts <= last:  # muxers reject decreasing time stamps
                    continue
            packet.pts = dts if packet.pts is None else packet.pts + self._shift
            packet.dts = dts
            # All packets of these codecs have the same length; before a jump, MP4 stores the jump as the length.
            length = packet.duration or 1
            self._last = dts, length if self._last is None else min(length, self._last[1])
            yield dts, packet


class EncodedSoundtrack:
    """Audio of a file, re-encoded as stereo AAC."""

    def __init__(self, path: Path, output: OutputContainer, track: Track | None = None) -> None:
        reader = AudioReader(path, mono="allow", track=track)
        reader.rate = nearest_rate(reader.source_rate)
        self._encoder = AacEncoder(output, reader.rate)
        self._blocks = iter(reader)
        self._reached = 0.0
        self._done = False

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """See `Soundtrack`."""
        while not self._done and self._reached <= seconds:
            block = next(self._blocks, None)
            if block is None:
                self._done = True
                yield from self._encoder.finish()
                return
            self._reached += block.shape[1] / self._encoder.rate
            yield from self._encoder.encode(block)


def can_copy(source: InputContainer, track: int = 0) -> bool:
    """Whether the packets of an audio track can be copied to MP4."""
    return (
        source.format.name not in _HEADERLESS
        and audio_streams(source)[track].codec_context.name.removesuffix("float") in COPIED_CODECS
    )


def has_sound(path: Path) -> bool:
    """Whether a media file has an audio track."""
    with open_media(path) as container:
        return bool(audio_streams(container))


def nearest_rate(rate: int) -> int:
    """Lowest AAC sample rate that is at least `rate`; the highest one if there is none."""
    return min((known for known in AAC_RATES if known >= rate), default=AAC_RATES[0])


def add_subtitles(source: str | Path, out: str | Path, lines: Sequence[Line], language: str, title: str) -> Path:
    """Write a copy of a video with a further subtitle track, which players can switch on.

    Args:
        source: a video or sound file.
        out: file to write: .mkv (SubRip), or .mp4, .m4v or .mov (timed text).
        lines: subtitles in order of time, which do not overlap.
        language: its language (BCP 47).
        title: name of the track in players.

    Returns:
        `out`.

    Raises:
        UnreadableMediaError: the source cannot be read.
        EncodingError: the suffix is unknown, the container cannot hold a codec, or the file cannot be written.
    """
    source, out = Path(source), Path(out)
    if out.suffix.lower() not in SUBTITLE_CODECS:
        raise EncodingError(
            f"{out}: soft subtitles are written to {', '.join(sorted(SUBTITLE_CODECS))}; change the name"
        )
    if out.exists() and out.samefile(source):
        raise EncodingError(f"{out}: would overwrite the source; choose another name")
    with atomic_file(out) as temporary, open_media(source) as container:
        try:
            with av.open(str(temporary.absolute()), mode="w") as output:
                _copy(container, output, lines, _SubtitleTrack(SUBTITLE_CODECS[out.suffix.lower()], language, title))
        except (av.FFmpegError, ValueError) as error:
            hint = "" if out.suffix.lower() == ".mkv" else "; an .mkv holds more kinds of sound and pictures"
            raise EncodingError(f"{out}: cannot be written ({first_line(error)}){hint}") from None
    return out


class _SubtitleTrack:
    """The new track."""

    def __init__(self, codec: str, language: str, title: str) -> None:
        self.codec, self.title = codec, title
        code = language.split("-")[0].lower()
        self.language = _LANGUAGES.get(code, code if len(code) == 3 else "und")

    def added_to(self, output: OutputContainer) -> Any:
        stream: Any = output.add_stream(self.codec)
        stream.time_base = _TICKS
        stream.codec_context.time_base = _TICKS
        stream.metadata.update({"language": self.language, "title": self.title, "handler_name": self.title})
        stream.disposition = Disposition.hearing_impaired | Disposition.default
        stream.codec_context.subtitle_header = _SUBTITLE_HEADER
        return stream

    def packet(self, line: Line, stream: Any) -> Packet[Any]:
        start, end, text = line
        data = text.encode("utf-8")
        packet: Packet[Any] = Packet(struct.pack(">H", len(data)) + data if self.codec == "mov_text" else data)
        packet.stream, packet.time_base = stream, _TICKS
        packet.pts = packet.dts = round(start * 1000)
        packet.duration = max(1, round((end - start) * 1000))
        return packet


def _copy(source: InputContainer, output: OutputContainer, lines: Sequence[Line], track: _SubtitleTrack) -> None:
    kept = [stream for stream in source.streams if stream.type in ("video", "audio") and stream.codec_context]
    copies: dict[int, Any] = {stream.index: output.add_stream_from_template(stream) for stream in kept}
    for stream in kept:
        copies[stream.index].disposition = stream.disposition
    subtitles = track.added_to(output)
    zero, length = zero_time(source), container_duration(source) or float("inf")
    waiting = iter([(start, min(end, length), text) for start, end, text in lines if start < length])
    following = next(waiting, None)
    for packet in source.demux(kept):
        if packet.dts is None or packet.time_base is None:
            continue
        shift = round(zero / packet.time_base)
        packet.dts -= shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        now = packet.dts * packet.time_base
        while following is not None and following[0] <= now:
            output.mux_one(track.packet(following, subtitles))
            following = next(waiting, None)
        packet.stream = copies[packet.stream.index]
        output.mux_one(packet)
    while following is not None:
        output.mux_one(track.packet(following, subtitles))
        following = next(waiting, None)
