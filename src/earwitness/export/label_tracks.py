"""Label tracks of annotation tools.

Audacity, Raven, and the RTTM files of diarisation tools have one line for each event; Praat and ELAN have tiers, one
for each class and source, whose events must not overlap.
"""

from __future__ import annotations

import mimetypes
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from earwitness.core.errors import one_line
from earwitness.core.events import SoundEvent
from earwitness.export.editing.markers import recording_info
from earwitness.export.wording import place

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def to_audacity(result: Detection) -> str:
    """Return the label track of a result (Audacity manual: Importing and Exporting Labels)."""
    return "".join(
        f"{event.start:.6f}\t{event.end:.6f}\t{event.sound_class.name}, {place(event, result.has_video)}\n"
        for event in result.iter_events()
    )


RAVEN_COLUMNS: Final = (
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Begin File",
    "Annotation", "Azimuth (deg)", "Distance (m)", "On Screen", "Score",
)  # fmt: skip
_DEFAULT_TOP: Final = 12_000.0
"""Half of the sample rate that models read, Hz."""


def to_raven(result: Detection) -> str:
    """Return a tab-separated table (Raven Pro user's manual: selection tables).

    Events have no limits of frequency, so each selection spans the whole band of the recording. Unknown directions and
    distances are empty.
    """
    top, file = top_frequency(result), "" if result.path is None else one_line(result.path.name)
    lines = ["\t".join(RAVEN_COLUMNS)]
    for number, event in enumerate(result.table.iter_events(), start=1):
        azimuth = "" if event.azimuth != event.azimuth else f"{event.azimuth:.1f}"
        distance = "" if event.distance != event.distance else f"{event.distance:.2f}"
        onscreen = "" if not result.has_video else "yes" if event.onscreen else "no"
        lines.append("\t".join((
            str(number), "Spectrogram 1", "1", f"{event.start:.3f}", f"{event.end:.3f}", "0.0", f"{top:.1f}", file,
            one_line(event.sound_class.name), azimuth, distance, onscreen, f"{event.score:.3f}",
        )))  # fmt: skip
    return "\n".join(lines) + "\n"


def top_frequency(result: Detection) -> float:
    """Highest frequency of the recording, Hz."""
    audio = None if (info := recording_info(result)) is None else info.audio
    return _DEFAULT_TOP if audio is None else audio.rate / 2


def to_rttm(result: Detection) -> str:
    """Return lines of ten fields (NIST RT-09): type, file, channel, onset, duration, ..., name, score, <NA>.

    All lines have the type SPEAKER, which readers expect. In the file's name, spaces become "_" and unprintable
    characters are escaped.
    """
    file, lines = file_field(result), []
    for event in result.events:
        name = event.sound_class.slug + (f"_{event.source}" if event.source else "")
        times = f"{event.start:.3f} {event.end - event.start:.3f}"
        lines.append(f"SPEAKER {file} 1 {times} <NA> <NA> {name} {event.score:.3f} <NA>\n")
    return "".join(lines)


def file_field(result: Detection) -> str:
    """The recording's name without suffix and spaces."""
    return one_line("clip" if result.path is None else result.path.stem).replace(" ", "_") or "clip"


@dataclass(frozen=True, slots=True)
class Tier:
    """The events of one class and source.

    Attributes:
        name: the class, numbered from its second source: "Knock", "Knock 2".
        events: in order of time, without overlap.
    """

    name: str
    events: tuple[SoundEvent, ...]


def tiers(result: Detection) -> list[Tier]:
    """Group the events of a result into tiers, in order of class and source."""
    grouped: dict[tuple[int, int], list[SoundEvent]] = {}
    for event in result.iter_events():
        grouped.setdefault((event.sound_class.index, event.source), []).append(event)
    named, of_class = [], dict[int, int]()
    for (index, _), events in sorted(grouped.items(), key=lambda item: item[0]):
        of_class[index] = of_class.get(index, 0) + 1
        number = of_class[index]
        name = events[0].sound_class.name + (f" {number}" if number > 1 else "")
        named.append(Tier(name, tuple(events)))
    return named


_Interval = tuple[float, float, str]


def to_textgrid(result: Detection) -> str:
    """Return a TextGrid in Praat's long text format (Praat manual: TextGrid file formats).

    Without events, writes one empty tier, because Praat cannot open a grid without tiers.
    """
    end = max(result.duration, result.table.duration)
    found = tiers(result) or [Tier("sound events", ())]
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}",
        "tiers? <exists>", f"size = {len(found)}", "item []:",
    ]  # fmt: skip
    for number, tier in enumerate(found, start=1):
        intervals = _filled(tier, end, has_video=result.has_video)
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(tier.name)}",
            "        xmin = 0", f"        xmax = {end:.6f}", f"        intervals: size = {len(intervals)}",
        ]  # fmt: skip
        for place_in_tier, (start, stop, text) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{place_in_tier}]:", f"            xmin = {start:.6f}",
                f"            xmax = {stop:.6f}", f"            text = {_quoted(text)}",
            ]  # fmt: skip
    return "\n".join([*lines, ""])


def _filled(tier: Tier, end: float, *, has_video: bool) -> list[_Interval]:
    """Contiguous intervals from 0 to the end."""
    intervals: list[_Interval] = []
    last = 0.0
    for event in tier.events:
        start, stop = round(event.start, 6), min(round(event.end, 6), end)
        if start > last:
            intervals.append((last, start, ""))
        intervals.append((start, stop, place(event, has_video)))
        last = stop
    return [*intervals, (last, end, "")] if last < end else intervals


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


_SCHEMA: Final = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_SCHEMA_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
_DATE: Final = "1970-01-01T00:00:00+00:00"
"""The format requires a date; a constant one makes the file reproducible."""
_TYPE: Final = "sound event"


def to_elan(result: Detection, target: Path) -> str:
    """Return an ELAN document (EAF 3.0, Max Planck Institute for Psycholinguistics); times in whole milliseconds.

    Args:
        result: the detection.
        target: path of the document; the media file's address is relative to it.
    """
    Xml.register_namespace("xsi", _SCHEMA_INSTANCE)
    root = Xml.Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "earwitness", "DATE": _DATE, "FORMAT": "3.0", "VERSION": "3.0",
         f"{{{_SCHEMA_INSTANCE}}}noNamespaceSchemaLocation": _SCHEMA},
    )  # fmt: skip
    header = Xml.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if result.path is not None:
        Xml.SubElement(header, "MEDIA_DESCRIPTOR", _media(result.media_file, result.path, target))
    order = Xml.SubElement(root, "TIME_ORDER")
    count = 0
    for tier in tiers(result):
        holder = Xml.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": _TYPE, "TIER_ID": tier.name})
        for event in tier.events:
            count += 1
            slots = [_slot(order, seconds) for seconds in (event.start, event.end)]
            wrapper = Xml.SubElement(holder, "ANNOTATION")
            attributes = {"ANNOTATION_ID": f"a{count}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
            annotation = Xml.SubElement(wrapper, "ALIGNABLE_ANNOTATION", attributes)
            Xml.SubElement(annotation, "ANNOTATION_VALUE").text = place(event, result.has_video)
    Xml.SubElement(
        root, "LINGUISTIC_TYPE",
        {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true"},
    )  # fmt: skip
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _media(file: Path | None, named: Path, target: Path) -> dict[str, str]:
    """Attributes that locate the media file; ELAN searches the document's folder for a missing one."""
    relative = f"./{named.name}"
    if file is not None:
        with suppress(ValueError):  # another drive
            relative = Path(os.path.relpath(file.resolve(), target.parent.resolve())).as_posix()
            relative = relative if relative.startswith("../") else f"./{relative}"
    where = (file or target.absolute().parent / named).absolute().as_uri()
    return {"MEDIA_URL": where, "MIME_TYPE": mime_type(named), "RELATIVE_MEDIA_URL": _address(relative)}


def mime_type(path: Path) -> str:
    """MIME type of a media file, from its name."""
    return mimetypes.guess_type(path.name)[0] or "unknown"


def _address(path: str) -> str:
    """A path as ELAN writes it: spaces and letters unchanged, unprintable characters escaped as in a URL."""
    return "".join(sign if sign.isprintable() else quote(os.fsencode(sign)) for sign in path)


def _slot(order: Xml.Element, seconds: float) -> str:
    name = f"ts{len(order) + 1}"
    Xml.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": str(round(seconds * 1000))})
    return name
