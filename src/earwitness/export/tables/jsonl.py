"""JSON Lines: one self-contained event per line, so that the files of many clips can be concatenated."""

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
    """Yield one line for each event (jsonlines.org): the keys of the JSON document, and the media file."""
    file = file_text(result.path)
    for event in result.iter_events():
        values = {"file": file, **event_of(event).model_dump(mode="json", by_alias=True)}
        yield printable(json.dumps(values, allow_nan=False)) + "\n"
