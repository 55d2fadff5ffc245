"""Events as markers of editing programs: whole frames, names, a note and a colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from earwitness.core.errors import MediaError, one_line
from earwitness.core.vocabulary import SoundClass
from earwitness.export.editing.timecode import FrameRate
from earwitness.export.wording import place
from earwitness.media.containers.probe import MediaInfo, probe

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


@dataclass(frozen=True, slots=True)
class Marker:
    """One event on a timeline.

    Attributes:
        frame: first frame, from 0.
        frames: number of frames, at least 1.
        name: class.
        note: position and confidence.
        sound_class: its class.
    """

    frame: int
    frames: int
    name: str
    note: str
    sound_class: SoundClass


def markers(result: Detection, rate: FrameRate) -> Iterator[Marker]:
    """Yield the events of a result as markers, in order of time."""
    for event in result.table.iter_events():
        frame = rate.frame(event.start)
        note = f"{place(event, result.has_video)}, confidence {event.score:.0%}"
        yield Marker(frame, max(1, rate.frame(event.end) - frame), event.sound_class.name, note, event.sound_class)


def timeline_frames(result: Detection, rate: FrameRate) -> int:
    """Length of a timeline that holds the recording and all of its events, frames."""
    return max(1, rate.frame(max(result.duration, result.table.duration)))


def clip_name(result: Detection) -> str:
    """Name of the recording on a timeline."""
    return "clip" if result.path is None else one_line(result.path.name) or "clip"


def recording_info(result: Detection) -> MediaInfo | None:
    """Properties of the recording; None if it was not found or cannot be read."""
    if result.media_file is None:
        return None
    try:
        return probe(result.media_file)
    except MediaError:
        return None


def picture_size(info: MediaInfo | None) -> tuple[int, int]:
    """Width and height of the pictures of a timeline, pixels; full HD without any."""
    video = None if info is None else info.video
    return (1920, 1080) if video is None else (video.width, video.height)


def channel_count(info: MediaInfo | None) -> int:
    """Number of sound channels of a timeline; 2 if unknown."""
    return 2 if info is None or info.audio is None else info.audio.channels


def rgb(sound_class: SoundClass) -> tuple[int, int, int]:
    """Red, green and blue of a class, 0..255."""
    code = sound_class.colour.lstrip("#")
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)
