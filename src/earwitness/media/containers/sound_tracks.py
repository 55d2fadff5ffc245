"""Selects the audio track to read: the requested one, the default one, or a left-right pair of mono tracks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from av.audio.stream import AudioStream
from av.stream import Disposition

from earwitness.core.errors import NoAudioError, UsageError

Track = int | tuple[int, int]
"""Number of an audio track, from 0, or the numbers of two mono tracks: left and right."""

_TRACK: Final = re.compile(r"(\d{1,4})(?:\+(\d{1,4}))?")
_LEFT: Final = frozenset({"left", "l", "lt", "fl", "links", "gauche", "izquierda", "sinistra"})
_RIGHT: Final = frozenset({"right", "r", "rt", "fr", "rechts", "droite", "derecha", "destra"})
_NAMES: Final = ("title", "handler_name", "name", "track_name")
_SECONDARY: Final = Disposition.visual_impaired | Disposition.hearing_impaired | Disposition.comment
"""Dispositions of secondary tracks: audio description, mix for the hard of hearing, commentary."""
_EQUAL_SECONDS: Final = 0.5


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
