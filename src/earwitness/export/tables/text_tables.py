"""Tables as text: DCASE2025 CSV, event CSV and JSON Lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.core.errors import one_line
from earwitness.data.dcase.labels import CLIP_FRAMES, HEADER, LabelRows
from earwitness.results.detection import file_text
from earwitness.results.document import event_documents, event_of
from earwitness.results.json_stream import printable

if TYPE_CHECKING:
    from earwitness.core.events import EventTable
    from earwitness.results.detection import Detection

_AZIMUTH, _DISTANCE = 3, 4
_PIECE_ROWS: Final = 4096
"""Rows that are converted at a time: as text they take many times the memory of the table."""


def csv_pieces(result: Detection) -> Iterator[str]:
    """Yield the CSV file of a result, piece by piece; without events only the header."""
    table = result.table.sorted()
    yield f"{HEADER}\n"
    for begin in range(0, len(table), _PIECE_ROWS):
        part = table.select(slice(begin, begin + _PIECE_ROWS))
        yield "".join(f"{','.join(row)}\n" for row in _cells(part))


def _cells(table: EventTable) -> list[list[str]]:
    known = table.with_columns(azimuth=np.nan_to_num(table.azimuth), distance=np.nan_to_num(table.distance))
    cells = [[str(int(value)) for value in row] for row in LabelRows.from_table(known).values]
    for column, values in ((_AZIMUTH, table.azimuth), (_DISTANCE, table.distance)):
        for row in np.flatnonzero(np.isnan(values)):
            cells[row][column] = ""
    return cells


def to_submission_csv(result: Detection) -> str:
    """Return the CSV file for the DCASE challenge: like `csv_pieces`, without empty cells and frames beyond 5 s.

    Sound that is equal in both channels has no measurable direction. Coincident microphones record a source straight
    ahead that way, so azimuth 0 is written.
    """
    table = result.table
    inside = table.select(table.frame < CLIP_FRAMES)
    rows = LabelRows.from_table(inside.with_columns(azimuth=np.nan_to_num(inside.azimuth)).sorted())
    return "\n".join([HEADER, *(",".join(str(int(value)) for value in row) for row in rows.values), ""])


COLUMNS: Final = (
    "file", "start_s", "end_s", "duration_s", "class", "name", "source", "azimuth_deg", "distance_m", "onscreen",
    "score",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a cell that begins like this as a formula."""


def event_csv_pieces(result: Detection) -> Iterator[str]:
    """Yield the table of a result row by row, with a header; unknown values are empty cells.

    An interval of a value, where a result has one, is two more columns, such as `azimuth_interval_low` and `_high`.
    """
    return combined_csv_pieces([result])


def combined_csv_pieces(results: Iterable[Detection]) -> Iterator[str]:
    """Yield one table for several results; the column `file` identifies them."""
    rows = [row for result in results for row in event_rows(result)]
    extra = dict.fromkeys(name for row in rows for name in row if name not in COLUMNS)
    columns = (*COLUMNS, *extra)
    yield _line(columns)
    for row in rows:
        yield _line([row.get(name) for name in columns])


def event_rows(result: Detection) -> Iterator[dict[str, Any]]:
    """Yield each event as plain values by column; None where unknown."""
    file = file_text(result.path)
    for event, document in zip(result.table.iter_events(), event_documents(result), strict=True):
        values = document.model_dump(mode="json", by_alias=True, exclude={"track", "visual"})
        yield {
            "file": file, "start_s": values["start"], "end_s": values["end"],
            "duration_s": round(values["end"] - values["start"], 1), "class": values["class"],
            "name": event.sound_class.name, "source": values["source"], "azimuth_deg": values["azimuth_deg"],
            "distance_m": values["distance_m"], "onscreen": values["onscreen"] if result.has_video else None,
            "score": values["score"], **_intervals(values),
        }  # fmt: skip


def _intervals(values: Mapping[str, Any]) -> dict[str, float]:
    """The values of an event that are pairs of numbers: the ends of an interval."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value):
            found |= {f"{name}_low": value[0], f"{name}_high": value[1]}
    return found


def _line(values: Sequence[Any]) -> str:
    sink = StringIO()
    csv.writer(sink, lineterminator="\n").writerow([_cell(value) for value in values])
    return sink.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = one_line(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value


def jsonl_pieces(result: Detection) -> Iterator[str]:
    """Yield one line for each event (jsonlines.org): the keys of the JSON document, and the media file."""
    file = file_text(result.path)
    for event in result.iter_events():
        values = {"file": file, **event_of(event).model_dump(mode="json", by_alias=True)}
        yield printable(json.dumps(values, allow_nan=False)) + "\n"
