"""JSON Lines: one event a line, each complete in itself, so that the files of many clips can simply be joined."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from earwitness.export.json_events import event_of

if TYPE_CHECKING:
    from earwitness.export.result import Result


def to_jsonl(result: Result) -> str:
    """Return one line an event, keys as in the JSON document, with the file that it was heard in (jsonlines.org)."""
    file = None if result.path is None else result.path.as_posix()
    lines = [
        json.dumps({"file": file, **event_of(event).model_dump(mode="json", by_alias=True)}, allow_nan=False)
        for event in result.events
    ]
    return "".join(f"{line}\n" for line in lines)
