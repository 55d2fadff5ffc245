"""JAMS, the JSON of music and sound annotation: classes as `tag_open`, direction and distance in the sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from earwitness import __version__
from earwitness.export.json_events import event_of

if TYPE_CHECKING:
    from earwitness.export.result import Result

JAMS_VERSION: Final = "0.3.4"
_SPATIAL: Final = ("azimuth_deg", "distance_m", "onscreen", "source", "track")


def to_jams(result: Result) -> str:
    """Return a JAMS document (Humphrey et al., ISMIR 2014; schema 0.3).

    The annotation's sandbox holds, an entry an observation, what the schema has no field for: direction, distance,
    screen, source number and the track every 100 ms.
    """
    events = [event_of(event).model_dump(mode="json", by_alias=True) for event in result.events]
    annotation = {
        "namespace": "tag_open",
        "data": [
            {"time": event["start"], "duration": round(event["end"] - event["start"], 1), "value": event["class"],
             "confidence": event["score"]}
            for event in events
        ],
        "time": 0.0,
        "duration": result.duration,
        "annotation_metadata": _about(result),
        "sandbox": {"spatial": [{key: event[key] for key in _SPATIAL} for event in events]},
    }  # fmt: skip
    document = {
        "annotations": [annotation],
        "file_metadata": {
            "title": "" if result.path is None else result.path.name,
            "artist": "", "release": "", "duration": result.duration, "identifiers": {}, "jams_version": JAMS_VERSION,
        },
        "sandbox": {"settings": result.settings, "warnings": list(result.warnings)},
    }  # fmt: skip
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _about(result: Result) -> dict[str, Any]:
    return {
        "curator": {"name": "", "email": ""}, "annotator": {},
        "version": result.model.sha256[:12], "corpus": "",
        "annotation_tools": f"earwitness {__version__}, model {result.model.name}",
        "annotation_rules": "", "validation": "", "data_source": "program",
    }  # fmt: skip
