"""The sound tracks of a file: which one to read, and how long it is by declaration and in fact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from earwitness.core.errors import NoAudioError, UsageError
from earwitness.media.containers.chunks import AIFF, CAF, chunks, second_file, trailing_data
from earwitness.media.containers.container import container_duration, picture_stream, stamp_seconds, zero_time
from earwitness.media.pictures import picture_seconds
from earwitness.media.sound.wave_header import read_wave_header

Track = int | tuple[int, int]
"""Number of an audio track, from 0, or the numbers of two mono tracks: left and right."""

_TRACK: Final = re.compile(r"(\d{1,4})(?:\+(\d{1,4}))?")
_LEFT: Final = frozenset({"left", "l", "lt", "fl", "links", "gauche", "izquierda", "sinistra"})
_RIGHT: Final = frozenset({"right", "r", "rt", "fr", "rechts", "droite", "derecha", "destra"})
_NAMES: Final = ("title", "handler_name", "name", "track_name")
_SECONDARY: Final = Disposition.visual_impaired | Disposition.hearing_impaired | Disposition.comment
"""Dispositions of secondary tracks: audio description, mix for the hard of hearing, commentary."""
_EQUAL_SECONDS: Final = 0.5

TRUNCATED_SECONDS: Final = 0.5
"""Audio that may be missing at the end before a file counts as truncated."""
_ESTIMATED: Final = frozenset({"mp3", "aac", "mpegts", "mpeg"})
"""Formats whose duration FFmpeg only estimates."""
_CHUNKED: Final = {"aiff": AIFF, "caf": CAF}
_SIGNATURES: Final = {
    "tta": b"TTA1",
    "voc": b"Creative Voice File\x1a",
    "flv": b"FLV\x01",
    "wv": b"wvpk",
    "ape": b"MAC ",
    "dsf": b"DSD ",
    "asf": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
}
"""File signatures of the formats whose end FFmpeg takes from the header."""
_LEAST_SECONDS: Final = 0.05
_PIECE: Final = 2**20


class Choice(NamedTuple):
    """A selected track.

    Attributes:
        track: its number, or a pair of numbers.
        note: note for the user about the selection; may be empty.
    """

    track: Track
    note: str


def parse_track(text: str) -> Track | None:
    """Parse a track of the command line: "1", "0+1" for left and right, "auto" for None.

    Raises:
        UsageError: any other text.
    """
    if text == "auto":
        return None
    match = _TRACK.fullmatch(text)
    if match is None or match[1] == match[2]:
        raise UsageError(f"a track is a number from 0, two different ones such as 0+1, or auto; not '{text}'")
    return int(match[1]) if match[2] is None else (int(match[1]), int(match[2]))


def track_text(track: Track) -> int | str:
    """A track as stored in settings and results: the number, or "0+1"."""
    return track if isinstance(track, int) else f"{track[0]}+{track[1]}"


def choose_track(path: Path, streams: Sequence[AudioStream], wanted: Track | None) -> Choice:
    """Select an audio track of a file.

    Args:
        path: the file, for messages.
        streams: its audio tracks.
        wanted: the requested track; None selects one automatically.

    Raises:
        NoAudioError: there is no such track, or tracks to be joined are not mono.
    """
    if not streams:
        raise NoAudioError(f"{path}: has no sound track; earwitness needs a file with sound")
    if wanted is not None:
        _check(path, streams, wanted)
        return Choice(wanted, "")
    if len(streams) == 1:
        return Choice(0, "")
    pair = _named_pair(streams)
    if pair is not None:
        return Choice(pair, f"the mono tracks {pair[0]} and {pair[1]} are read as left and right, as their names say")
    number = default_track(streams)
    why = " (the default)" if streams[number].disposition & Disposition.default else ""
    return Choice(
        number, f"the file has {len(streams)} sound tracks; track {number}{why} is read; --track chooses another"
    )


def default_track(streams: Sequence[AudioStream]) -> int:
    """Number of the track that players select: flagged as default, and not a commentary or description."""

    def rank(number: int) -> tuple[bool, bool]:
        disposition = streams[number].disposition
        return bool(disposition & _SECONDARY), not disposition & Disposition.default

    return min(range(len(streams)), key=rank)


def mono_advice(streams: Sequence[AudioStream]) -> str:
    """Advice on joining two mono tracks of equal length; empty if there are none."""
    mono = [number for number, stream in enumerate(streams) if _channels(stream) == 1]
    if len(mono) < 2 or not _equal_length(streams[mono[0]], streams[mono[1]]):
        return ""
    first, second = mono[:2]
    return f"; it has {len(mono)} mono tracks: if two of them are left and right, use --track {first}+{second}"


def _check(path: Path, streams: Sequence[AudioStream], wanted: Track) -> None:
    numbers = (wanted,) if isinstance(wanted, int) else wanted
    for number in numbers:
        if not 0 <= number < len(streams):
            raise NoAudioError(f"{path}: has no sound track {number}; its tracks are 0..{len(streams) - 1}")
        if len(numbers) == 2 and _channels(streams[number]) != 1:
            raise NoAudioError(
                f"{path}: track {number} has {_channels(streams[number])} channels; only mono tracks can be joined"
            )


def _named_pair(streams: Sequence[AudioStream]) -> tuple[int, int] | None:
    """The only two mono tracks named left and right, if they have equal lengths; otherwise None."""
    sides = {number: _side(stream) for number, stream in enumerate(streams) if _channels(stream) == 1}
    left = [number for number, side in sides.items() if side == "left"]
    right = [number for number, side in sides.items() if side == "right"]
    if len(left) != 1 or len(right) != 1 or not _equal_length(streams[left[0]], streams[right[0]]):
        return None
    return left[0], right[0]


def _side(stream: AudioStream) -> str:
    """Side of a mono track according to its channel or its name; empty if unknown."""
    channel = stream.codec_context.layout.channels[0].name if _channels(stream) == 1 else ""
    if channel in ("FL", "FR"):
        return "left" if channel == "FL" else "right"
    words = {word for name in _NAMES for word in re.findall(r"[^\W\d_]+", stream.metadata.get(name, "").lower())}
    left, right = bool(words & _LEFT), bool(words & _RIGHT)
    return "" if left == right else "left" if left else "right"


def _equal_length(one: AudioStream, other: AudioStream) -> bool:
    if one.codec_context.sample_rate != other.codec_context.sample_rate:
        return False
    ends = [
        None if s.duration is None or s.time_base is None else float(s.duration * s.time_base) for s in (one, other)
    ]
    return ends[0] is None or ends[1] is None or abs(ends[0] - ends[1]) <= _EQUAL_SECONDS


def _channels(stream: AudioStream) -> int:
    return int(stream.codec_context.layout.nb_channels)


def declared_end(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Declared end of an audio track in seconds from the container's start; None if the file declares none."""
    name = container.format.name
    if name in _ESTIMATED:
        return None
    if name in ("wav", "w64"):
        header = read_wave_header(Path(container.name))
        return None if header is None or header.continues else header.declared_seconds
    if name == "voc" or (name == "caf" and stream.codec_context.name.startswith("pcm")):
        return None if name == "voc" else _caf_seconds(Path(container.name), stream.codec_context.bit_rate or 0)
    if stream.duration is not None and stream.duration > 0:
        start = stamp_seconds(stream.start_time, stream.time_base) or Fraction(0)
        return start + (stamp_seconds(stream.duration, stream.time_base) or 0) - zero_time(container)
    whole = container_duration(container)
    if whole is None or picture_stream(container) is not None:
        return None
    # The duration of Matroska files counts from time 0, not from the start of the container.
    late = max(Fraction(0), zero_time(container)) if name.startswith("matroska") else Fraction(0)
    return Fraction(whole) - late


def unfilled_end(path: Path, container: InputContainer, end: float) -> float:
    """Declared duration of a container whose pictures also end earlier, so that it is truncated; otherwise 0.

    Args:
        path: the file.
        container: the open file.
        end: end of its audio in seconds.
    """
    declared = container_duration(container) or 0.0
    if container.format.name in (*_ESTIMATED, "wav", "w64") or declared - end <= TRUNCATED_SECONDS:
        return 0.0
    return declared if declared - picture_seconds(path) > TRUNCATED_SECONDS else 0.0


def trailing_data_warning(path: Path, container: InputContainer, read_bytes: int, seconds: float) -> str:
    """Warning about data after the declared end of a file; empty if there is none.

    Args:
        path: the file.
        container: the open file.
        read_bytes: position after its last audio packet.
        seconds: duration of its audio.
    """
    try:
        return _warning(path, container.format.name, read_bytes, seconds)
    except OSError:  # the file has been deleted since; the audio was read
        return ""


def _warning(path: Path, name: str, read_bytes: int, seconds: float) -> str:
    size = path.stat().st_size
    if name in ("wav", "w64"):
        header = read_wave_header(path)
        if header is None or header.trailing is None:
            return ""
        if header.trailing.kind == "sound" and name == "wav":
            before = float((header.declared_samples or 0) / header.rate)
            return f"the header declares {before:.1f} s, but the sound continues: all {seconds:.1f} s were read"
        return _not_read(header.trailing_seconds, joined=header.trailing.kind == "file")
    if name in _CHUNKED:
        style = _CHUNKED[name]
        with path.open("rb") as file:
            found = trailing_data(file, style, read_bytes, size, style.padding(read_bytes))
        after = 0.0 if found is None else _estimated_seconds(found.size, size, seconds)
        return _not_read(after, joined=found.kind == "file") if found is not None and after > _LEAST_SECONDS else ""
    start = second_file(path) if name.startswith("mov,") else _find_second_file(path, _SIGNATURES.get(name), read_bytes)
    return "" if start is None else _not_read(_estimated_seconds(size - start, size, seconds), joined=True)


def _caf_seconds(path: Path, bit_rate: int) -> Fraction | None:
    """Duration of PCM samples from the size of their chunk; FFmpeg uses the size of the file instead."""
    with path.open("rb") as file:
        file.seek(8)
        for name, size, _ in chunks(file, CAF):
            if name == b"data":
                known = bit_rate > 0 and 4 < size < 2**63  # -1 means unknown
                return Fraction(8 * (size - 4), bit_rate) if known else None
    return None


def _estimated_seconds(trailing: int, size: int, seconds: float) -> float:
    """Estimated duration of the bytes after the end, at the bit rate of those before it."""
    return seconds * trailing / max(1, size - trailing)


def _not_read(seconds: float, *, joined: bool) -> str:
    what = "a second file was appended" if joined else "the header declares too short a length"
    do = "split the file to read it" if joined else "convert the file to read it"
    return f"{what}: about {seconds:.1f} s of sound after the declared end was not read; {do}"


def _find_second_file(path: Path, signature: bytes | None, after: int) -> int | None:
    """Position of a second file of the same format after position `after`; None if there is none."""
    if signature is None:
        return None
    with path.open("rb") as file:
        file.seek(after)
        held, position = b"", after
        while piece := file.read(_PIECE):
            held += piece
            at = held.find(signature)
            if at >= 0:
                return position + at
            keep = len(signature) - 1
            position, held = position + len(held) - keep, held[-keep:]
    return None
