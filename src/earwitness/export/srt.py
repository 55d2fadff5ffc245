"""SubRip captions: plain text, for players that know nothing better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.export.captions import captions, timestamp

if TYPE_CHECKING:
    from earwitness.inference.detection import Detection


def to_srt(detection: Detection) -> str:
    """Return the SubRip file of a detection; empty when nothing sounds."""
    cues = captions(detection.table, has_video=detection.has_video)
    return "\n".join(
        f"{number}\n{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}\n{cue.text}\n"
        for number, cue in enumerate(cues, start=1)
    )
