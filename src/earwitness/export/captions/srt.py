"""SubRip captions: plain text, supported by nearly all players."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.core.errors import one_line
from earwitness.export.captions.captions import DEFAULT_SETTINGS, CaptionSettings, captions
from earwitness.export.wording import clock_time

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def to_srt(result: Detection, settings: CaptionSettings = DEFAULT_SETTINGS) -> str:
    """Return the SubRip file of a result; empty without captions.

    Raises:
        UsageError: there is no table for the language.
    """
    return "\n".join(
        f"{number}\n{clock_time(cue.start, ',')} --> {clock_time(cue.end, ',')}\n"
        + "".join(f"{one_line(line)}\n" for line in cue.lines)
        for number, cue in enumerate(captions(result, settings).cues, start=1)
    )
