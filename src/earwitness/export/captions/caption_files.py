"""Caption files: SubRip, WebVTT, TTML (IMSC 1 text profile) and SubStation Alpha."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Final

from earwitness.core.errors import one_line
from earwitness.export.captions.captions import DEFAULT_SETTINGS, Caption, CaptionSettings, captions
from earwitness.export.subtitle_file import styled_parts
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
    lines = "".join(f"{_cue_text(one_line(line))}\n" for line in caption.lines)
    return f"{number}\n{times}{_settings(caption.position)}\n{lines}"


def _settings(position: int | None) -> str:
    """Align text to the nearer edge: players squeeze a centred cue near an edge into a narrow column."""
    if position is None:
        return ""
    align = "left" if position < 35 else "right" if position > 65 else "center"
    return f" position:{position}% align:{align}"


def _cue_text(line: str) -> str:
    """Text with its signs escaped, but with the tags of dialogue."""
    parts = []
    for text, tags in styled_parts(line):
        opening, closing = "".join(f"<{tag}>" for tag in sorted(tags)), "".join(f"</{t}>" for t in sorted(tags)[::-1])
        parts.append(opening + escape(text, quote=False) + closing)
    return "".join(parts)


PROFILE: Final = "http://www.w3.org/ns/ttml/profile/imsc1/text"
_TT: Final = "http://www.w3.org/ns/ttml"
_NAMESPACES: Final = {
    "xmlns": _TT, "xmlns:ttp": f"{_TT}#parameter", "xmlns:tts": f"{_TT}#styling", "xmlns:ttm": f"{_TT}#metadata",
}  # fmt: skip
_REGIONS: Final = {"left": "left", "middle": "center", "right": "right"}
_STYLES: Final = {
    "i": {"tts:fontStyle": "italic"}, "b": {"tts:fontWeight": "bold"}, "u": {"tts:textDecoration": "underline"},
}  # fmt: skip


def to_ttml(result: Detection, settings: CaptionSettings = DEFAULT_SETTINGS) -> str:
    """Return the TTML file of a result (W3C: TTML Profiles for Internet Media Subtitles and Captions 1.0.1, text).

    Three regions at the bottom of the picture place captions on the side of their sound.

    Raises:
        UsageError: there is no table for the language.
    """
    made = captions(result, settings)
    root = Xml.Element(
        "tt", {**_NAMESPACES, "xml:lang": made.language.language, "ttp:profile": PROFILE, "ttp:timeBase": "media"}
    )
    head = Xml.SubElement(root, "head")
    metadata = Xml.SubElement(head, "metadata")
    Xml.SubElement(metadata, "ttm:title").text = "" if result.path is None else one_line(result.path.name)
    styling = Xml.SubElement(head, "styling")
    Xml.SubElement(styling, "style", {
        "xml:id": "caption", "tts:fontFamily": "proportionalSansSerif", "tts:fontSize": "100%",
        "tts:lineHeight": "normal", "tts:color": "#FFFFFFFF", "tts:backgroundColor": "#000000C0",
    })  # fmt: skip
    layout = Xml.SubElement(head, "layout")
    for name, align in _REGIONS.items():
        Xml.SubElement(layout, "region", {
            "xml:id": name, "tts:origin": "10% 80%", "tts:extent": "80% 15%", "tts:displayAlign": "after",
            "tts:textAlign": align, "tts:overflow": "visible",
        })  # fmt: skip
    division = Xml.SubElement(Xml.SubElement(root, "body"), "div")
    for caption in made.cues:
        _paragraph(division, caption)
    Xml.indent(root, space=" ")
    for paragraph in division:  # white space inside a paragraph would be shown
        paragraph.text = None
        for part in paragraph:
            part.tail = None
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _paragraph(division: Xml.Element, caption: Caption) -> None:
    region = "middle" if caption.position is None else _side(caption.position)
    times = {"begin": clock_time(caption.start), "end": clock_time(caption.end)}
    paragraph = Xml.SubElement(division, "p", {**times, "region": region})
    for number, line in enumerate(caption.lines):
        if number:
            Xml.SubElement(paragraph, "br")
        for text, tags in styled_parts(one_line(line)):
            look = {name: value for tag in sorted(tags) for name, value in _STYLES[tag].items()}
            Xml.SubElement(paragraph, "span", {"style": "caption", **look}).text = text


def _side(position: int) -> str:
    return "left" if position < 35 else "right" if position > 65 else "middle"


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
    text = "\\N".join(_without_codes(one_line(line)) for line in caption.lines)
    return f"Dialogue: 0,{_time(caption.start)},{_time(caption.end)},{style},,0,0,0,,{text}"


def _without_codes(line: str) -> str:
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
