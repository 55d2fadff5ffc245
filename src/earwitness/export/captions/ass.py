"""SubStation Alpha captions (.ass), which keep their place and look in mpv, VLC, Kodi and FFmpeg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from earwitness.core.errors import one_line
from earwitness.export.captions.captions import DEFAULT_SETTINGS, Caption, CaptionSettings, captions
from earwitness.export.subtitle_file import styled_parts

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

WIDTH, HEIGHT = 1920, 1080
_STYLE_FORMAT: Final = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)
_LOOK: Final = "Arial,54,&H00FFFFFF,&H00FFFFFF,&H40000000,&H40000000,0,0,0,0,100,100,0,0,3,6,0,{align},96,96,54,1"
_ALIGNMENTS: Final = {"Left": 1, "Middle": 2, "Right": 3}
_EVENT_FORMAT: Final = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"


def to_ass(result: Detection, settings: CaptionSettings = DEFAULT_SETTINGS) -> str:
    """Return the SubStation Alpha file of a result (script type v4.00+).

    Raises:
        UsageError: there is no table for the language.
    """
    made = captions(result, settings)
    title = "" if result.path is None else one_line(result.path.name)
    lines = [
        "[Script Info]", f"Title: {title}", "ScriptType: v4.00+", f"PlayResX: {WIDTH}", f"PlayResY: {HEIGHT}",
        "WrapStyle: 2", "ScaledBorderAndShadow: yes", f"Language: {made.language.language}", "",
        "[V4+ Styles]", f"Format: {_STYLE_FORMAT}",
        *(f"Style: {name},{_LOOK.format(align=align)}" for name, align in _ALIGNMENTS.items()), "",
        "[Events]", f"Format: {_EVENT_FORMAT}", *map(_event, made.cues),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _event(caption: Caption) -> str:
    position = caption.position
    style = "Middle" if position is None or 35 <= position <= 65 else "Left" if position < 35 else "Right"
    text = "\\N".join(_escaped(one_line(line)) for line in caption.lines)
    return f"Dialogue: 0,{_time(caption.start)},{_time(caption.end)},{style},,0,0,0,,{text}"


def _escaped(line: str) -> str:
    """Text without codes, but with the tags of dialogue; there is no escape for a brace or a backslash."""
    parts = []
    for text, tags in styled_parts(line):
        plain = text.replace("\\", "⧵").replace("{", "(").replace("}", ")")
        codes = "".join(f"\\{tag}1" for tag in sorted(tags))
        ends = "".join(f"\\{tag}0" for tag in sorted(tags))
        parts.append(f"{{{codes}}}{plain}{{{ends}}}" if tags else plain)
    return "".join(parts)


def _time(seconds: float) -> str:
    """Format as h:mm:ss.cc."""
    minutes, hundredths = divmod(round(seconds * 100), 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}"
