"""Lists of markers: CMX 3600 edit decision lists for DaVinci Resolve, and REAPER regions."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from fractions import Fraction
from io import StringIO
from typing import TYPE_CHECKING, Final

from earwitness.core.vocabulary import SoundClass
from earwitness.export.editing.markers import Marker, clip_name, markers, rgb
from earwitness.export.editing.timecode import FrameRate, frame_rate_of
from earwitness.export.wording import place

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

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
    colour = rgb(sound_class)
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], colour, strict=True)))


HEADER: Final = ("#", "Name", "Start", "End", "Length", "Color")


def to_reaper(result: Detection) -> str:
    """Return one region for each event: number, name, start, end and length as h:mm:ss.mmm, and a colour.

    The times are read correctly where the project's time unit is "minutes:seconds" or "hours:minutes:seconds:frames".
    """
    sink = StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(HEADER)
    for number, event in enumerate(result.table.iter_events(), start=1):
        name = f"{event.sound_class.name}, {place(event, result.has_video)}"
        times = (event.start, event.end, event.end - event.start)
        colour = "".join(f"{part:02X}" for part in rgb(event.sound_class))
        writer.writerow([f"R{number}", name, *map(_time, times), colour])
    return sink.getvalue()


def _time(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"
