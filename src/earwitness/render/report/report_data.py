"""Data of the page: plain values from a result, a diagnosis and a camera."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.core.errors import MediaError, one_line
from earwitness.core.events import FRAME_RATE, EventTable, SoundEvent
from earwitness.core.version import __version__
from earwitness.core.vocabulary import OTHER_GROUP, SoundClass
from earwitness.doctor.diagnosis import Diagnosis, diagnose
from earwitness.export.annotation.label_lists import file_field, top_frequency
from earwitness.export.annotation.tiers import mime_type
from earwitness.export.captions.caption_files import to_vtt
from earwitness.export.captions.caption_rules import FILM_RATE
from earwitness.export.captions.caption_words import is_music, is_speech
from earwitness.export.captions.captions import plan_values
from earwitness.export.captions.languages import caption_language, languages
from earwitness.export.editing.marker_lists import resolve_colour
from earwitness.export.editing.markers import channel_count, picture_size, recording_info, timeline_frames
from earwitness.export.editing.otio import otio_colour
from earwitness.export.editing.timecode import frame_rate_of, media_rate
from earwitness.render.icons import svg_icon
from earwitness.render.style import vocabulary_of
from earwitness.results.class_choice import left_out_sentence
from earwitness.results.document import json_pieces
from earwitness.results.json_stream import placeholder

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
