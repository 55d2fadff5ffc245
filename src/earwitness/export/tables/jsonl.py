"""JSON Lines: one event a line, each complete in itself, so that the files of many clips can simply be joined."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from earwitness.results.detection import file_text
from earwitness.results.document import event_of
from earwitness.results.json_stream import printable

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def jsonl_pieces(result: Detection) -> Iterator[str]:
    """Yield one line an event, keys as in the JSON document, with the file that it was heard in (jsonlines.org)."""
    file = file_text(result.path)
    for event in result.table.iter_events():
        values = {"file": file, **event_of(event).model_dump(mode="json", by_alias=True)}
        yield printable(json.dumps(values, allow_nan=False)) + "\n"
