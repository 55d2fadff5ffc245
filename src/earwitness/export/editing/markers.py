"""Events as markers of editing programs, and lists of them.

The lists are CMX 3600 edit decision lists for DaVinci Resolve, and REAPER regions.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from typing import TYPE_CHECKING, Final

from earwitness.core.errors import MediaError, one_line
from earwitness.core.vocabulary import SoundClass
from earwitness.export.editing.timecode import FrameRate, frame_rate_of
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


def nearest_colour(sound_class: SoundClass, colours: Mapping[str, tuple[int, int, int]]) -> str:
    """The name of the colour nearest to that of a class."""
    colour = rgb(sound_class)
    return min(colours, key=lambda name: sum((a - b) ** 2 for a, b in zip(colours[name], colour, strict=True)))


FIRST_HOUR: Final = 1
"""Timelines of editing programs start at 01:00:00:00."""
MOST_EVENTS: Final = 9999
"""Event numbers of CMX 3600 have three digits; all programs read four."""
_LONGEST_TITLE: Final = 70
_COLOURS: Final[Mapping[str, tuple[int, int, int]]] = {
    "Blue": (0, 127, 227), "Cyan": (0, 206, 208), "Green": (0, 173, 0), "Yellow": (240, 157, 0), "Red": (225, 36, 1),
    "Pink": (255, 68, 200), "Purple": (144, 19, 254), "Fuchsia": (192, 46, 111), "Rose": (255, 161, 185),
    "Lavender": (161, 147, 200), "Sky": (146, 226, 253), "Mint": (114, 219, 0), "Lemon": (220, 233, 90),
    "Sand": (196, 145, 94), "Cocoa": (110, 81, 67), "Cream": (245, 235, 225),
}  # fmt: skip
"""Marker colours of DaVinci Resolve."""


def edl_pieces(result: Detection, chosen: Fraction | None = None) -> Iterator[str]:
    """Yield a list with one event of one frame for each marker; a comment holds its name, colour and length.

    Args:
        result: the events.
        chosen: frames per second; by default those of the video, or 25.
    """
    rate = frame_rate_of(result, chosen)
    title = clip_name(result)[:_LONGEST_TITLE]
    yield f"TITLE: {title}\nFCM: {'DROP FRAME' if rate.drops else 'NON-DROP FRAME'}\n\n"
    first = _first_frame(rate)
    for number, marker in enumerate(markers(result, rate), start=1):
        if number > MOST_EVENTS:
            return
        yield _entry(number, marker, rate, first)


def _first_frame(rate: FrameRate) -> int:
    """Number of the frame with the timecode 01:00:00:00."""
    dropped = 54 * (rate.nominal // 15) if rate.drops else 0
    return FIRST_HOUR * (3600 * rate.nominal - dropped)


def _entry(number: int, marker: Marker, rate: FrameRate, first: int) -> str:
    begin, end = rate.timecode(first + marker.frame), rate.timecode(first + marker.frame + 1)
    times = f"{begin} {end} {begin} {end}"
    name = f"{marker.name}, {marker.note}".replace("|", "/")
    comment = f" |C:ResolveColor{resolve_colour(marker.sound_class)} |M:{name} |D:{marker.frames}"
    return f"{number:03d}  001      V     C        {times}  \n{comment}\n\n"


def resolve_colour(sound_class: SoundClass) -> str:
    """The marker colour of DaVinci Resolve nearest to that of a class."""
    return nearest_colour(sound_class, _COLOURS)


REAPER_HEADER: Final = ("#", "Name", "Start", "End", "Length", "Color")


def to_reaper(result: Detection) -> str:
    """Return one region for each event: number, name, start, end and length as h:mm:ss.mmm, and a colour.

    The times are read correctly where the project's time unit is "minutes:seconds" or "hours:minutes:seconds:frames".
    """
    sink = StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(REAPER_HEADER)
    for number, event in enumerate(result.table.iter_events(), start=1):
        name = f"{event.sound_class.name}, {place(event, result.has_video)}"
        times = (event.start, event.end, event.end - event.start)
        colour = "".join(f"{part:02X}" for part in rgb(event.sound_class))
        writer.writerow([f"R{number}", name, *map(_clock, times), colour])
    return sink.getvalue()


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"
