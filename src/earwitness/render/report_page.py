"""The report page: style, program and data in one file that works offline."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.core.errors import EncodingError, MediaError, one_line
from earwitness.core.events import FRAME_RATE, EventTable, SoundEvent
from earwitness.core.files.atomic import atomic_file
from earwitness.core.version import __version__
from earwitness.core.vocabulary import OTHER_GROUP, SoundClass
from earwitness.doctor.diagnosis import Diagnosis, diagnose
from earwitness.export.captions.caption_files import to_vtt
from earwitness.export.captions.caption_rules import FILM_RATE, caption_language, languages
from earwitness.export.captions.caption_words import is_music, is_speech
from earwitness.export.captions.captions import plan_values
from earwitness.export.editing.markers import (
    channel_count,
    picture_size,
    recording_info,
    resolve_colour,
    timeline_frames,
)
from earwitness.export.editing.timecode import frame_rate_of, media_rate
from earwitness.export.editing.timelines import otio_colour
from earwitness.export.label_tracks import file_field, mime_type, top_frequency
from earwitness.media.containers.probe import MediaInfo, probe
from earwitness.render.icons import svg_icon
from earwitness.render.report_media import Media, Player, player_media, png, spectrogram
from earwitness.render.style import vocabulary_of
from earwitness.results.document import json_pieces
from earwitness.results.json_stream import document_pieces, placeholder
from earwitness.results.selection import left_out_sentence

if TYPE_CHECKING:
    from earwitness.core.geometry import View
    from earwitness.results.detection import Detection
    from earwitness.results.visual import EventVisual

EVENTS: Final = "events"


def page_data(result: Detection, view: View, diagnosis: Diagnosis | None, problem: str | None) -> dict[str, Any]:
    """Return all data except media and spectrogram, with a placeholder for the events (`event_values`).

    Args:
        view: the field of view of the pictures.
        diagnosis: the recording's diagnosis; None without a file.
        problem: why the file could not be examined.
    """
    return {
        "file": "" if result.path is None else one_line(result.path.name),
        "duration": max(result.duration, result.table.duration, 0.1),
        "rate": FRAME_RATE,
        "hasVideo": result.has_video,
        "scored": bool(result.model.sha256),  # CSV labels have no confidence
        "fov": round(view.whole_fov, 6),
        "classes": {str(one.index): _class(one) for one in vocabulary_of(result.table)},
        "document": _document(result),
        "events": placeholder(EVENTS),
        "warnings": _warnings(result, diagnosis, problem),
        "checks": [] if diagnosis is None else [_check(check) for check in diagnosis.checks],
        "fit": None if diagnosis is None else diagnosis.fit,
        "model": {"name": result.model.name, "sha256": result.model.sha256},
        "settings": _printable(result.settings | {"fov": view.fov}),
        "version": __version__,
        "captions": to_vtt(result, fov=view.fov),
        "saving": _saving(result),
    }


def _class(one: SoundClass) -> dict[str, Any]:
    """The values of a class. Names are texts in the page, never markup; colours are #RRGGBB, icons our own shapes."""
    return {
        "name": one_line(one.name), "slug": one.slug, "caption": one_line(one.caption), "colour": one.colour,
        "icon": svg_icon(one), "part": one.made_by, "edl": resolve_colour(one), "otio": otio_colour(one),
        "spoken": is_speech(one), "musical": is_music(one), "other": OTHER_GROUP in one.groups,
    }  # fmt: skip


def _saving(result: Detection) -> dict[str, Any]:
    """What files that the page saves need beside the events; corrections change none of it."""
    rate, info = frame_rate_of(result), recording_info(result)
    width, height = picture_size(info)
    return {
        "stem": file_field(result), "mime": mime_type(result.path or Path()), "top": top_frequency(result),
        "rate": {"num": rate.rate.numerator, "den": rate.rate.denominator, "drops": rate.drops},
        "frames": timeline_frames(result, rate), "width": width, "height": height, "channels": channel_count(info),
        "sampleRate": None if info is None or info.audio is None else info.audio.rate,
        "rules": plan_values(min(FILM_RATE, media_rate(result) or FILM_RATE)),
        "languages": {code: caption_language(code).model_dump(exclude={"source"}) for code in languages()},
    }  # fmt: skip


def _document(result: Detection) -> dict[str, Any]:
    """The result's JSON document without events, for the corrected one; of the file only its name."""
    path = None if result.path is None else Path(result.path.name)
    warnings = [one_line(warning) for warning in result.warnings]
    table = EventTable.empty(result.table.num_frames, result.table.vocabulary)
    empty = replace(result, table=table, path=path, warnings=warnings)
    document: dict[str, Any] = json.loads("".join(json_pieces(empty)))
    del document["events"]
    return document


def event_values(result: Detection) -> Iterator[dict[str, Any]]:
    """Yield each event with the effect of visual analysis."""
    return (_event(event, visual) for event, visual in result.explained_events())


def examine(path: Path | None) -> tuple[Diagnosis | None, str | None]:
    """Return the diagnosis of a file, or why there is none."""
    if path is None:
        return None, "The media file was not found beside the result, so it was not examined (--media FILE)."
    try:
        return diagnose(path), None
    except MediaError as error:
        return None, str(error)


def _warnings(result: Detection, diagnosis: Diagnosis | None, problem: str | None) -> list[dict[str, str]]:
    found = [{"level": "unfit", "text": text} for text in result.warnings]
    if result.left_out:
        found.append({"level": "note", "text": left_out_sentence(result)})
    if problem is not None:
        found.append({"level": "note", "text": problem})
    if diagnosis is not None:
        found += [{"level": c.verdict, "text": c.sentence} for c in diagnosis.checks if c.verdict != "ok"]
        found += [{"level": "caution", "text": note} for note in diagnosis.notes]
    unique = {(text := one_line(entry["text"])): entry | {"text": text} for entry in found}
    return list(unique.values())


def _printable(values: Any) -> Any:
    """Plain values with every text passed through `one_line`, because a saved result may be untrusted."""
    if isinstance(values, str):
        return one_line(values)
    if isinstance(values, Mapping):
        return {one_line(str(name)): _printable(value) for name, value in values.items()}
    return [_printable(value) for value in values] if isinstance(values, list | tuple) else values


def _check(check: Any) -> dict[str, Any]:
    value = round(float(check.value), 3) if np.isfinite(check.value) else None
    return {"name": check.name, "value": value, "unit": check.unit, "verdict": check.verdict, "text": check.sentence}


def _event(event: SoundEvent, visual: EventVisual | None) -> dict[str, Any]:
    """The values of an event, with short keys because the tracks of an hour are long."""
    table = event.table
    return {
        "c": event.sound_class.index, "src": event.source, "s": round(event.start, 1), "e": round(event.end, 1),
        "az": _number(event.azimuth, 1), "d": _number(event.distance, 2), "on": event.onscreen,
        "azi": getattr(event, "azimuth_interval", None), "di": getattr(event, "distance_interval", None),
        "p": round(event.score, 3), "v": None if visual is None else _printable(visual.model_dump(mode="json")),
        "t": [
            table.frame.tolist(), [_number(a, 3) for a in table.azimuth], [_number(d, 4) for d in table.distance],
            table.onscreen.astype(int).tolist(), [round(float(p), 3) for p in table.score],
        ],
    }  # fmt: skip


def _number(value: float, digits: int) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)


_PROGRAM: Final = (
    "base", "values", "words", "tracks", "objects", "player", "placement", "marks", "radar", "timeline", "table",
    "card", "moment", "about", "edits", "voices", "schedule", "caption_files", "annotation_files", "editing_files",
    "result_files", "saving", "editor", "controls", "start",
)  # fmt: skip
"""Parts of the page's script; each depends on those before it."""
_MARK: Final = re.compile(r"(\{\{[a-z-]+\}\})")


def write_report(result: Detection, target: str | Path, fov: float | None = None, player: Player = "auto") -> Path:
    """Write the report of a result; see `report_pieces`.

    Returns:
        `target`.
    """
    target = Path(target)
    pieces = report_pieces(result, target, fov, player)
    with atomic_file(target) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)
    return target


def report_html(result: Detection, target: Path, fov: float | None = None, player: Player = "auto") -> str:
    """Return the page of `report_pieces` as one text."""
    return "".join(report_pieces(result, target, fov, player))


def report_pieces(result: Detection, target: Path, fov: float | None = None, player: Player = "auto") -> Iterator[str]:
    """Yield the report for the path `target`, piece by piece.

    The page makes no network requests; its content security policy forbids them. Without a media file, or if only a
    saved result names its path, the page has no player, spectrogram and recording checks, and says so.

    Args:
        result: the detection.
        target: path of the page; the address of a linked video is relative to it.
        fov: horizontal field of view of the camera, degrees, which positions the marks; by default the result's own.
        player: media of the report: embedded, linked, embedded if small, or none.

    Raises:
        MediaError: the media file exists, but cannot be read.
        EncodingError: the field of view is not within 1..170.
    """
    view = result.view_with(fov)
    if not 1 <= view.fov <= 170:
        raise EncodingError(f"a horizontal field of view of {view.fov} degrees is not possible; give 1..170")
    info = None if result.media_file is None else probe(result.media_file)
    data = page_data(result, view, *examine(None if info is None else info.path))
    media = player_media(info, target, player)
    data |= {"media": {"kind": media.kind, "how": media.how, "type": media.type, "note": media.note}}
    data |= {"link": media.source if media.how == "link" else "", "strip": _strip(info)}
    if info is not None and info.video is not None and media.kind == "video":
        data |= {"size": [info.video.width, info.video.height]}
    return _assembled(data, result, media)


def _strip(info: MediaInfo | None) -> str:
    if info is None or info.audio is None:
        return ""
    try:
        picture = spectrogram(info.path)
    except MediaError:  # the diagnosis already reports the problem
        return ""
    return "data:image/png;base64," + b64encode(png(picture)).decode("ascii")


def _assembled(data: dict[str, Any], result: Detection, media: Media) -> Iterator[str]:
    parts = files("earwitness") / "assets" / "report"
    where = "blob:" if media.how != "link" else "blob: 'self' file:"
    values = document_pieces(data, {EVENTS: event_values(result)}, indent=None)
    filled: dict[str, Iterable[str]] = {
        "{{title}}": [escape(f"{data['file'] or 'Sound events'} · earwitness")],
        "{{media-source}}": [where],
        "{{style}}": [(parts / "report.css").read_text(encoding="utf-8")],
        "{{program}}": [(parts / "program" / f"{name}.js").read_text(encoding="utf-8") for name in _PROGRAM],
        # Data must not close the surrounding script element.
        "{{data}}": (piece.replace("<", "\\u003c") for piece in values),
        "{{media}}": [media.source if media.how == "embed" else ""],
    }
    for piece in _MARK.split((parts / "report.html").read_text(encoding="utf-8")):
        yield from filled.get(piece, [piece])
