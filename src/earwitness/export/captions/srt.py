"""SubRip captions: plain text, supported by nearly all players."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from earwitness.export.captions.captions import Caption, Style, captions, timestamp

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

_Cue = tuple[float, float, tuple[str, ...]]
_SLIVER_SECONDS: Final = 0.5


def to_srt(result: Detection, style: Style = "terse") -> str:
    """Return the SubRip file of a result; empty without events.

    Cues never overlap, because many players show only one: simultaneous captions form one cue of several lines.
    """
    cues = _one_at_a_time(captions(result.table, has_video=result.has_video, style=style))
    return "\n".join(
        f"{number}\n{timestamp(start, ',')} --> {timestamp(end, ',')}\n" + "\n".join(lines) + "\n"
        for number, (start, end, lines) in enumerate(cues, start=1)
    )


def _one_at_a_time(found: list[Caption]) -> list[_Cue]:
    bounds = sorted({time for caption in found for time in (caption.start, caption.end)})
    cues: list[_Cue] = []
    for start, end in pairwise(bounds):
        lines = tuple(_plain(caption.text) for caption in found if caption.start < end and start < caption.end)
        if not lines:
            continue
        touches = bool(cues) and cues[-1][1] == start
        if touches and set(lines) < set(cues[-1][2]) and end - start < _SLIVER_SECONDS:
            cues[-1] = (cues[-1][0], end, cues[-1][2])  # keep a caption that has just ended for a moment
        elif touches and cues[-1][1] - cues[-1][0] < _SLIVER_SECONDS and set(cues[-1][2]) < set(lines):
            cues[-1] = (cues[-1][0], end, lines)  # show a caption a moment before it begins
        elif touches and _was_overlap(cues, lines):
            cues[-1] = (cues[-1][0], end, lines)  # drop a caption a moment before it ends
        elif touches and lines == cues[-1][2]:
            cues[-1] = (cues[-1][0], end, lines)
        else:
            cues.append((start, end, lines))
    return cues


def _was_overlap(cues: list[_Cue], lines: tuple[str, ...]) -> bool:
    """Whether the last cue is only the short overlap of an ending caption and a beginning one."""
    if len(cues) < 2 or cues[-1][1] - cues[-1][0] >= _SLIVER_SECONDS or cues[-2][1] != cues[-1][0]:
        return False
    both = set(cues[-1][2])
    return set(lines) < both and both - set(lines) <= set(cues[-2][2])


def _plain(text: str) -> str:
    """The text without characters that begin a tag or a time."""
    return text.replace("<", "(").replace(">", ")")
