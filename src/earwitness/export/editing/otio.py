"""OpenTimelineIO timeline with a marker for each event, which its adapters convert for further editing programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import one_line
from earwitness.core.vocabulary import SoundClass
from earwitness.export.editing.markers import clip_name, markers, rgb, timeline_frames
from earwitness.export.editing.timecode import FrameRate, frame_rate_of
from earwitness.results.document import event_documents
from earwitness.results.json_stream import document_pieces, placeholder

if TYPE_CHECKING:
    from pathlib import Path

    from earwitness.results.detection import Detection

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
    whole = _range(0, timeline_frames(result, rate), rate)
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
    track = {"OTIO_SCHEMA": "Track.1", "name": kind, **_item(), "children": [clip], "kind": kind}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", **_item(), "children": [track]}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1", "name": clip_name(result), "global_start_time": None, "tracks": stack,
        "metadata": {"earwitness": {"model": one_line(result.model.name), "drop_frame": rate.drops}},
    }  # fmt: skip
    yield from document_pieces(timeline, {"markers": _markers(result, rate)}, indent=1)
    yield "\n"


def _markers(result: Detection, rate: FrameRate) -> Iterator[dict[str, Any]]:
    for marker, event in zip(markers(result, rate), event_documents(result), strict=True):
        values = event.model_dump(mode="json", by_alias=True, exclude={"track", "visual"})
        yield {
            "OTIO_SCHEMA": "Marker.2", "name": marker.name, "comment": marker.note,
            "metadata": {"earwitness": values}, "marked_range": _range(marker.frame, marker.frames, rate),
            "color": otio_colour(marker.sound_class),
        }  # fmt: skip


def _item() -> dict[str, Any]:
    return {"metadata": {}, "source_range": None, "effects": [], "markers": [], "enabled": True}


def _range(start: int, frames: int, rate: FrameRate) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.rate), "value": float(start)},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.rate), "value": float(frames)},
    }


def otio_colour(sound_class: SoundClass) -> str:
    """The marker colour of OpenTimelineIO nearest to that of a class."""
    colour = rgb(sound_class)
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], colour, strict=True)))
