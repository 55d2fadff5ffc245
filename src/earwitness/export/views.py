"""A result as people see it: in the terminal, as text, and as HTML in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from rich import box
from rich.markup import escape as escape_markup
from rich.table import Table

from earwitness.core.errors import one_line
from earwitness.export.wording import direction_in_degrees, metres, screen

if TYPE_CHECKING:
    from earwitness.results.detected_event import DetectedEvent
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
            f"{clock(event.start)}-{clock(event.end)}", escape_markup(event.sound_class.name),
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


MOST_SHOWN: Final = 20
_MOST_WARNINGS: Final = 3
_CELL: Final = "padding:2px 10px;text-align:left;white-space:nowrap"


def result_text(result: Detection) -> str:
    """The first events as a table of text, with a line about the recording above."""
    events = result.events
    rows = [_cells(event, has_video=result.has_video) for event in events[:MOST_SHOWN]]
    head = _head(has_video=result.has_video)
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [_title(result, len(events))]
    if rows:
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [head, *rows]
        ]
    if len(events) > MOST_SHOWN:
        lines.append(f"... and {len(events) - MOST_SHOWN} more")
    lines += [f"warning: {one_line(text)}" for text in result.warnings[:_MOST_WARNINGS]]
    return "\n".join(lines)


def result_html(result: Detection) -> str:
    """The same as an HTML table, each class with its colour."""
    events = result.events
    head = "".join(f'<th style="{_CELL}">{escape(cell)}</th>' for cell in _head(has_video=result.has_video))
    rows = []
    for event in events[:MOST_SHOWN]:
        cells = [escape(cell) for cell in _cells(event, has_video=result.has_video)]
        colour = escape(event.sound_class.colour, quote=True)
        cells[1] = f'<span style="color:{colour}" aria-hidden="true">&#9632;</span> {cells[1]}'
        rows.append("<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>")
    more = f"<p>... and {len(events) - MOST_SHOWN} more</p>" if len(events) > MOST_SHOWN else ""
    notes = "".join(f"<p>warning: {escape(one_line(text))}</p>" for text in result.warnings[:_MOST_WARNINGS])
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>" if rows else ""
    return f"<div><p><strong>{escape(_title(result, len(events)))}</strong></p>{table}{more}{notes}</div>"


def _title(result: Detection, count: int) -> str:
    name = "samples" if result.path is None else one_line(result.path.name)
    number = "no events" if not count else "1 event" if count == 1 else f"{count} events"
    return f"{name}: {number} in {clock(result.duration)}"


def _head(*, has_video: bool) -> list[str]:
    return ["time", "sound", "direction", "distance", *(["screen"] if has_video else []), "confidence"]


def _cells(event: DetectedEvent, *, has_video: bool) -> list[str]:
    return [
        f"{clock(event.start)}-{clock(event.end)}", one_line(event.name), direction_in_degrees(event.azimuth),
        metres(event.distance), *([screen(event.onscreen)] if has_video else []), f"{event.score:.0%}",
    ]  # fmt: skip
