"""WebVTT captions, each placed on the side of the picture from which its sound comes."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from earwitness.core.errors import one_line
from earwitness.export.captions.captions import DEFAULT_SETTINGS, Caption, CaptionSettings, captions
from earwitness.export.subtitle_file import styled_parts
from earwitness.export.wording import clock_time

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def to_vtt(result: Detection, settings: CaptionSettings = DEFAULT_SETTINGS, fov: float | None = None) -> str:
    """Return the WebVTT file of a result (W3C WebVTT: The Web Video Text Tracks Format).

    Args:
        result: the events.
        settings: style, language and dialogue.
        fov: replaces the field of view of `settings`, degrees.

    Raises:
        UsageError: there is no table for the language.
    """
    made = captions(result, settings if fov is None else replace(settings, fov=fov))
    return "\n".join(["WEBVTT", "", *(_cue(number, caption) for number, caption in enumerate(made.cues, start=1))])


def _cue(number: int, caption: Caption) -> str:
    times = f"{clock_time(caption.start)} --> {clock_time(caption.end)}"
    lines = "".join(f"{_escaped(one_line(line))}\n" for line in caption.lines)
    return f"{number}\n{times}{_settings(caption.position)}\n{lines}"


def _settings(position: int | None) -> str:
    """Align text to the nearer edge: players squeeze a centred cue near an edge into a narrow column."""
    if position is None:
        return ""
    align = "left" if position < 35 else "right" if position > 65 else "center"
    return f" position:{position}% align:{align}"


def _escaped(line: str) -> str:
    """Text with its signs escaped, but with the tags of dialogue."""
    parts = []
    for text, tags in styled_parts(line):
        opening, closing = "".join(f"<{tag}>" for tag in sorted(tags)), "".join(f"</{t}>" for t in sorted(tags)[::-1])
        parts.append(opening + escape(text, quote=False) + closing)
    return "".join(parts)
