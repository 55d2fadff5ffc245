"""Timelines with a marker for each event.

The formats are FCPXML, Final Cut Pro 7 XML for Premiere Pro, and OpenTimelineIO, whose adapters convert it for further
editing programs.
"""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import one_line
from earwitness.core.vocabulary import SoundClass
from earwitness.export.editing.markers import (
    channel_count,
    clip_name,
    markers,
    nearest_colour,
    picture_size,
    recording_info,
    timeline_frames,
)
from earwitness.export.editing.timecode import FrameRate, frame_rate_of
from earwitness.media.containers.probe import MediaInfo
from earwitness.results.document import event_documents
from earwitness.results.json_stream import document_pieces, placeholder

if TYPE_CHECKING:
    from pathlib import Path

    from earwitness.results.detection import Detection

FCPXML_VERSION: Final = "1.9"


def to_fcpxml(result: Detection, target: Path, chosen: Fraction | None = None) -> str:
    """Return an FCPXML 1.9 document (Apple: FCPXML Reference): the recording as one clip with markers.

    All times are multiples of a frame, as fractions of a second.

    Args:
        result: the events.
        target: path of the document; a recording that was not found is referred to beside it.
        chosen: frames per second; by default those of the video, or 25.
    """
    rate, info = frame_rate_of(result, chosen), recording_info(result)
    name, length = clip_name(result), timeline_frames(result, rate)
    root = Xml.Element("fcpxml", {"version": FCPXML_VERSION})
    _resources(root, result, target, rate, info)
    event = Xml.SubElement(Xml.SubElement(root, "library"), "event", {"name": "earwitness"})
    project = Xml.SubElement(event, "project", {"name": name})
    counting = {"tcFormat": "DF" if rate.drops else "NDF"}
    sequence = Xml.SubElement(
        project, "sequence", {"format": "r1", "duration": _time(length, rate), "tcStart": "0s", **counting}
    )
    spine = Xml.SubElement(sequence, "spine")
    clip = Xml.SubElement(spine, "asset-clip", {
        "ref": "r2", "name": name, "offset": "0s", "start": "0s", "duration": _time(length, rate), "format": "r1",
        **counting,
    })  # fmt: skip
    for marker in markers(result, rate):
        Xml.SubElement(clip, "marker", {
            "start": _time(marker.frame, rate), "duration": _time(marker.frames, rate), "value": marker.name,
            "note": marker.note,
        })  # fmt: skip
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{Xml.tostring(root, encoding="unicode")}\n'


def _resources(root: Xml.Element, result: Detection, target: Path, rate: FrameRate, info: MediaInfo | None) -> None:
    width, height = picture_size(info)
    resources = Xml.SubElement(root, "resources")
    Xml.SubElement(resources, "format", {
        "id": "r1", "frameDuration": _time(1, rate), "width": str(width), "height": str(height),
    })  # fmt: skip
    asset = {
        "id": "r2",
        "name": clip_name(result),
        "start": "0s",
        "duration": _time(timeline_frames(result, rate), rate),
    }
    if result.has_video:
        asset |= {"hasVideo": "1", "format": "r1"}
    audio = None if info is None else info.audio
    asset |= {"hasAudio": "1", "audioSources": "1", "audioChannels": str(channel_count(info))}
    if audio is not None:
        asset["audioRate"] = str(audio.rate)
    holder = Xml.SubElement(resources, "asset", asset)
    file = result.media_file or target.absolute().parent / clip_name(result)
    Xml.SubElement(holder, "media-rep", {"kind": "original-media", "src": one_line(file.absolute().as_uri())})


def _time(frames: int, rate: FrameRate) -> str:
    """A time in frames as FCPXML writes it; the denominator is that of the frame rate, so that it stays on a frame."""
    if not frames:
        return "0s"
    value = rate.seconds(frames)
    return f"{frames * rate.rate.denominator}/{rate.rate.numerator}s" if value.denominator != 1 else f"{value}s"


XMEML_VERSION: Final = "5"


def to_xmeml(result: Detection, target: Path, chosen: Fraction | None = None) -> str:
    """Return an xmeml 5 document (Apple: Final Cut Pro XML Interchange Format): the recording and its markers.

    Times are whole frames; the rate is a whole number and whether it is slowed by 1000/1001 ("ntsc").

    Args:
        result: the events.
        target: path of the document; a recording that was not found is referred to beside it.
        chosen: frames per second; by default those of the video, or 25.
    """
    rate, name = frame_rate_of(result, chosen), clip_name(result)
    length = timeline_frames(result, rate)
    root = Xml.Element("xmeml", {"version": XMEML_VERSION})
    sequence = Xml.SubElement(root, "sequence", {"id": "sequence-1"})
    _texts(sequence, name=name, duration=length)
    _rate(sequence, rate)
    timecode = Xml.SubElement(sequence, "timecode")
    _rate(timecode, rate)
    zero = rate.timecode(0)
    _texts(timecode, string=zero, frame=0, displayformat="DF" if rate.drops else "NDF")
    media = Xml.SubElement(sequence, "media")
    info = recording_info(result)
    if result.has_video:
        video = Xml.SubElement(media, "video")
        _format(video, rate, info)
        _clip(Xml.SubElement(video, "track"), "clipitem-1", name, length, rate)
    audio = Xml.SubElement(media, "audio")
    _clip(Xml.SubElement(audio, "track"), "clipitem-2", name, length, rate)
    first = next(sequence.iter("clipitem"))
    file = Xml.SubElement(first, "file", {"id": "file-1"})
    path = result.media_file or target.absolute().parent / name
    _texts(file, name=name, pathurl=one_line(path.absolute().as_uri()), duration=length)
    _rate(file, rate)
    kinds = Xml.SubElement(file, "media")
    if result.has_video:
        Xml.SubElement(kinds, "video")
    _texts(Xml.SubElement(kinds, "audio"), channelcount=channel_count(info))
    for other in list(sequence.iter("clipitem"))[1:]:
        Xml.SubElement(other, "file", {"id": "file-1"})
    for marker in markers(result, rate):
        entry = Xml.SubElement(sequence, "marker")
        _texts(entry, name=marker.name, comment=marker.note)
        _texts(entry, **{"in": marker.frame, "out": marker.frame + marker.frames})
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n{Xml.tostring(root, encoding="unicode")}\n'


def _clip(track: Xml.Element, name_id: str, name: str, length: int, rate: FrameRate) -> None:
    item = Xml.SubElement(track, "clipitem", {"id": name_id})
    _texts(item, name=name, enabled="TRUE", duration=length)
    _rate(item, rate)
    _texts(item, **{"start": 0, "end": length, "in": 0, "out": length})


def _format(video: Xml.Element, rate: FrameRate, info: MediaInfo | None) -> None:
    width, height = picture_size(info)
    characteristics = Xml.SubElement(Xml.SubElement(video, "format"), "samplecharacteristics")
    _rate(characteristics, rate)
    _texts(characteristics, width=width, height=height, pixelaspectratio="square")


def _rate(parent: Xml.Element, rate: FrameRate) -> None:
    ntsc = rate.rate.denominator == 1001
    _texts(Xml.SubElement(parent, "rate"), timebase=rate.nominal, ntsc="TRUE" if ntsc else "FALSE")


def _texts(parent: Xml.Element, **values: object) -> None:
    for name, value in values.items():
        Xml.SubElement(parent, name).text = str(value)


_COLOURS: Final[Mapping[str, tuple[int, int, int]]] = {
    "PINK": (255, 105, 180), "RED": (230, 30, 30), "ORANGE": (255, 140, 0), "YELLOW": (240, 220, 0),
    "GREEN": (0, 170, 0), "CYAN": (0, 190, 210), "BLUE": (30, 100, 240), "PURPLE": (130, 60, 230),
    "MAGENTA": (220, 40, 200), "BLACK": (0, 0, 0), "WHITE": (255, 255, 255),
}  # fmt: skip


def otio_pieces(result: Detection, target: Path, chosen: Fraction | None = None) -> Iterator[str]:
    """Yield an OpenTimelineIO document: the recording as one clip with markers, whose metadata hold exact values.

    Args:
        result: the events.
        target: path of the document; a recording that was not found is referred to beside it.
        chosen: frames per second; by default those of the video, or 25.
    """
    rate = frame_rate_of(result, chosen)
    whole = _otio_range(0, timeline_frames(result, rate), rate)
    file = result.media_file or target.absolute().parent / clip_name(result)
    reference = {
        "OTIO_SCHEMA": "ExternalReference.1", "name": clip_name(result), "metadata": {}, "available_range": whole,
        "available_image_bounds": None, "target_url": one_line(file.absolute().as_uri()),
    }  # fmt: skip
    clip = {
        "OTIO_SCHEMA": "Clip.2", "name": clip_name(result), "metadata": {}, "source_range": whole, "effects": [],
        "markers": placeholder("markers"), "enabled": True, "active_media_reference_key": "DEFAULT_MEDIA",
        "media_references": {"DEFAULT_MEDIA": reference},
    }  # fmt: skip
    kind = "Video" if result.has_video else "Audio"
    track = {"OTIO_SCHEMA": "Track.1", "name": kind, **_otio_item(), "children": [clip], "kind": kind}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", **_otio_item(), "children": [track]}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1", "name": clip_name(result), "global_start_time": None, "tracks": stack,
        "metadata": {"earwitness": {"model": one_line(result.model.name), "drop_frame": rate.drops}},
    }  # fmt: skip
    yield from document_pieces(timeline, {"markers": _otio_markers(result, rate)}, indent=1)
    yield "\n"


def _otio_markers(result: Detection, rate: FrameRate) -> Iterator[dict[str, Any]]:
    for marker, event in zip(markers(result, rate), event_documents(result), strict=True):
        values = event.model_dump(mode="json", by_alias=True, exclude={"track", "visual"})
        yield {
            "OTIO_SCHEMA": "Marker.2", "name": marker.name, "comment": marker.note,
            "metadata": {"earwitness": values}, "marked_range": _otio_range(marker.frame, marker.frames, rate),
            "color": otio_colour(marker.sound_class),
        }  # fmt: skip


def _otio_item() -> dict[str, Any]:
    return {"metadata": {}, "source_range": None, "effects": [], "markers": [], "enabled": True}


def _otio_range(start: int, frames: int, rate: FrameRate) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.rate), "value": float(start)},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.rate), "value": float(frames)},
    }


def otio_colour(sound_class: SoundClass) -> str:
    """The marker colour of OpenTimelineIO nearest to that of a class."""
    return nearest_colour(sound_class, _COLOURS)
