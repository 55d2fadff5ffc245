"""TTML captions in the IMSC 1 text profile, which broadcasters and Netflix exchange."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from typing import TYPE_CHECKING, Final

from earwitness.core.errors import one_line
from earwitness.export.captions.captions import DEFAULT_SETTINGS, Caption, CaptionSettings, captions
from earwitness.export.subtitle_file import styled_parts
from earwitness.export.wording import clock_time

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

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
