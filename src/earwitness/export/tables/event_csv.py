"""Event CSV: one event a row, in seconds, degrees and metres, for spreadsheets, pandas and R."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import one_line
from earwitness.results.detection import file_text
from earwitness.results.document import event_documents

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

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
