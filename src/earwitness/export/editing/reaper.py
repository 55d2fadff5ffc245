"""REAPER regions, as its Region/Marker Manager imports them (CSV)."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Final

from earwitness.export.editing.markers import rgb
from earwitness.export.wording import place

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

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
