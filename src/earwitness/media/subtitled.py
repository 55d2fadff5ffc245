"""Adds a subtitle track to a copy of a video; pictures and sound are copied as they are."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition

from earwitness.core.errors import EncodingError, first_line
from earwitness.core.files.atomic import atomic_file
from earwitness.media.containers.container import container_duration, open_media, zero_time

SUFFIXES: Final = {".mkv": "subrip", ".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text"}
"""Codec of the subtitles by container."""
_TICKS: Final = Fraction(1, 1000)
_HEADER: Final = (
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
    if out.suffix.lower() not in SUFFIXES:
        raise EncodingError(f"{out}: soft subtitles are written to {', '.join(sorted(SUFFIXES))}; change the name")
    if out.exists() and out.samefile(source):
        raise EncodingError(f"{out}: would overwrite the source; choose another name")
    with atomic_file(out) as temporary, open_media(source) as container:
        try:
            with av.open(str(temporary.absolute()), mode="w") as output:
                _copy(container, output, lines, _Track(SUFFIXES[out.suffix.lower()], language, title))
        except (av.FFmpegError, ValueError) as error:
            hint = "" if out.suffix.lower() == ".mkv" else "; an .mkv holds more kinds of sound and pictures"
            raise EncodingError(f"{out}: cannot be written ({first_line(error)}){hint}") from None
    return out


class _Track:
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
        stream.codec_context.subtitle_header = _HEADER
        return stream

    def packet(self, line: Line, stream: Any) -> Packet[Any]:
        start, end, text = line
        data = text.encode("utf-8")
        packet: Packet[Any] = Packet(struct.pack(">H", len(data)) + data if self.codec == "mov_text" else data)
        packet.stream, packet.time_base = stream, _TICKS
        packet.pts = packet.dts = round(start * 1000)
        packet.duration = max(1, round((end - start) * 1000))
        return packet


def _copy(source: InputContainer, output: OutputContainer, lines: Sequence[Line], track: _Track) -> None:
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
