"""JAMS, a JSON format for music and sound annotation: classes as `tag_open`, direction and distance in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import one_line
from earwitness.core.version import __version__
from earwitness.results.document import event_of
from earwitness.results.json_stream import document_pieces, placeholder

if TYPE_CHECKING:
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
