"""Annotations in JSON: JAMS, and Label Studio tasks with predictions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from earwitness.core.errors import one_line
from earwitness.core.version import __version__
from earwitness.core.vocabulary import SoundClass
from earwitness.export.wording import place
from earwitness.results.document import event_of
from earwitness.results.json_stream import document_pieces, placeholder

if TYPE_CHECKING:
    from pathlib import Path

    from earwitness.results.detection import Detection

JAMS_VERSION: Final = "0.3.4"
_SPATIAL: Final = (
    "azimuth_deg", "distance_m", "azimuth_interval_deg", "distance_interval_m", "onscreen", "source", "track",
)  # fmt: skip


def jams_pieces(result: Detection) -> Iterator[str]:
    """Yield a JAMS document (Humphrey et al., ISMIR 2014; schema 0.3), one observation at a time.

    The annotation's sandbox has one entry for each observation with the values for which the schema has no field:
    direction, distance, on/off screen, source number and the track every 100 ms.
    """
    annotation = {
        "namespace": "tag_open",
        "data": placeholder("data"),
        "time": 0.0,
        "duration": result.duration,
        "annotation_metadata": _about(result),
        "sandbox": {"spatial": placeholder("spatial")},
    }
    document = {
        "annotations": [annotation],
        "file_metadata": {
            "title": "" if result.path is None else one_line(result.path.name),
            "artist": "", "release": "", "duration": result.duration, "identifiers": {}, "jams_version": JAMS_VERSION,
        },
        "sandbox": {"settings": result.settings, "warnings": list(result.warnings)},
    }  # fmt: skip
    spatial = ({key: event[key] for key in _SPATIAL if key in event} for event in _events(result))
    yield from document_pieces(document, {"data": map(_observation, _events(result)), "spatial": spatial}, indent=1)
    yield "\n"


def _events(result: Detection) -> Iterator[dict[str, Any]]:
    return (event_of(event).model_dump(mode="json", by_alias=True) for event in result.iter_events())


def _observation(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "time": event["start"], "duration": round(event["end"] - event["start"], 1), "value": event["class"],
        "confidence": event["score"],
    }  # fmt: skip


def _about(result: Detection) -> dict[str, Any]:
    return {
        "curator": {"name": "", "email": ""}, "annotator": {},
        "version": result.model.sha256[:12], "corpus": "",
        "annotation_tools": f"earwitness {__version__}, model {result.model.name}",
        "annotation_rules": "", "validation": "", "data_source": "program",
    }  # fmt: skip


LABELS: Final = "label"
MEDIA: Final = "audio"
NOTES: Final = "note"
"""Names of the tags in the labelling interface that `interface` returns."""
_LOCAL: Final = "/data/local-files/?d="
"""Label Studio serves files below its document root under this address."""


def label_studio_pieces(result: Detection, target: Path) -> Iterator[str]:
    """Yield a JSON file with one task (Label Studio: import pre-annotated data); its predictions are the events.

    The task's `data` also hold the labelling interface that fits, to paste into a project's settings. The address of
    the media is relative to Label Studio's document root; put the file there, or replace the address.

    Args:
        result: the events.
        target: path of the JSON file; unused addresses are named after it.
    """
    name = target.stem if result.path is None else one_line(result.path.name)
    classes = {event.sound_class.index: event.sound_class for event in result.table.iter_events()}
    score = float(result.table.score.mean()) if len(result.table) else 0.0
    prediction = {
        "model_version": one_line(f"{result.model.name} (earwitness {__version__})"), "score": round(score, 3),
        "result": placeholder("result"),
    }  # fmt: skip
    data = {
        MEDIA: _LOCAL + quote(name), "file": name, "duration": round(result.duration, 3),
        "interface": interface(list(classes.values())),
    }  # fmt: skip
    pieces = document_pieces([{"data": data, "predictions": [prediction]}], {"result": _regions(result)}, indent=1)
    yield from pieces
    yield "\n"


def interface(classes: list[SoundClass]) -> str:
    """The labelling interface for some classes, as XML."""
    labels = "".join(
        f"<Label value={quoteattr(one_line(one.name))} background={quoteattr(one.colour)}/>" for one in classes
    )
    return (
        f'<View><Labels name="{LABELS}" toName="{MEDIA}">{labels}</Labels><Audio name="{MEDIA}" value="${MEDIA}"/>'
        f'<TextArea name="{NOTES}" toName="{MEDIA}" perRegion="true" editable="true"/></View>'
    )


def _regions(result: Detection) -> Iterator[dict[str, Any]]:
    for number, event in enumerate(result.table.iter_events(), start=1):
        span = {"start": round(event.start, 3), "end": round(event.end, 3), "channel": 0}
        common = {"id": f"event{number}", "to_name": MEDIA, "original_length": round(result.duration, 3)}
        labels = {**span, "labels": [one_line(event.sound_class.name)]}
        yield {**common, "from_name": LABELS, "type": "labels", "value": labels, "score": round(event.score, 3)}
        note = {**span, "text": [place(event, result.has_video)]}
        yield {**common, "from_name": NOTES, "type": "textarea", "value": note}
