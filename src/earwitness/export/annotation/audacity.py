"""Audacity label track: one line for each event, with start, end and label separated by tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.export.wording import place

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def to_audacity(result: Detection) -> str:
    """Return the label track of a result (Audacity manual: Importing and Exporting Labels)."""
    return "".join(
        f"{event.start:.6f}\t{event.end:.6f}\t{event.sound_class.name}, {place(event, result.has_video)}\n"
        for event in result.iter_events()
    )
