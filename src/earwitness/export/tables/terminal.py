"""The events of a file as a terminal table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.markup import escape
from rich.table import Table

from earwitness.export.wording import direction_in_degrees, metres, screen

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

MOST_ROWS: Final = 50
NARROW: Final = 72
"""A terminal with fewer columns shows time, sound and direction only."""


def event_table(result: Detection, width: int, most_rows: int = MOST_ROWS) -> Table:
    """Return a table of the first events: time, sound, direction and, if wide enough, distance, screen, confidence.

    Args:
        width: width of the terminal, columns.
    """
    wide = width >= NARROW
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("sound")
    table.add_column("direction", justify="right", no_wrap=True)
    if wide:
        table.add_column("distance", justify="right", no_wrap=True)
        if result.has_video:
            table.add_column("screen", no_wrap=True)
        table.add_column("confidence", justify="right", no_wrap=True)
    for event in result.events[:most_rows]:
        cells = [
            f"{clock(event.start)}-{clock(event.end)}", escape(event.sound_class.name),
            direction_in_degrees(event.azimuth),
        ]  # fmt: skip
        if wide:
            cells.append(metres(event.distance))
            if result.has_video:
                cells.append(screen(event.onscreen))
            cells.append(f"{event.score:.0%}")
        table.add_row(*cells)
    return table


def clock(seconds: float) -> str:
    """Return m:ss.t, or h:mm:ss.t from an hour on."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    head = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else f"{minutes}"
    return f"{head}:{rest // 10:02d}.{rest % 10}"
