"""Audacity label track: one line an event: start, end, label, with tabs between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.events import SoundEvent
from earwitness.export.wording import direction_in_degrees, metres, screen

if TYPE_CHECKING:
    from earwitness.inference.detection import Detection


def to_audacity(detection: Detection) -> str:
    """Return the label track of a detection (Audacity manual: Importing and Exporting Labels)."""
    return "".join(
        f"{event.start:.6f}\t{event.end:.6f}\t{_label(event, detection.has_video)}\n" for event in detection.events
    )


def _label(event: SoundEvent, has_video: bool) -> str:
    words = [event.sound_class.name, direction_in_degrees(event.azimuth), metres(event.distance)]
    return ", ".join([*words, screen(event.onscreen)] if has_video else words)
