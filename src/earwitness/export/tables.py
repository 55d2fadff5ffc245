"""Tables of frames and of events: DCASE2025 CSV, event CSV and JSON Lines; Parquet files and data frames."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MissingExtraError, one_line
from earwitness.core.events import FRAME_SECONDS, EventTable, SoundEvent
from earwitness.data.dcase.labels import CLIP_FRAMES, HEADER, LabelRows
from earwitness.results.detection import file_text
from earwitness.results.document import event_documents, event_of
from earwitness.results.json_stream import printable
from earwitness.results.visual import EventKey

if TYPE_CHECKING:
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


ROW_COLUMNS: Final = (
    "file", "frame", "time_s", "class_index", "class", "source", "azimuth_deg", "distance_m", "onscreen", "score",
    "azimuth_interval_deg_low", "azimuth_interval_deg_high", "distance_interval_m_low", "distance_interval_m_high",
)  # fmt: skip


def to_parquet(result: Detection) -> bytes:
    """Return the bytes of a Parquet file with the columns `ROW_COLUMNS`; unknown directions and distances are null.

    The last four columns are the intervals of the event that a row belongs to.

    The file's key-value metadata hold the model and the duration.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtraError("Parquet", "parquet") from error
    table = result.table.sorted()
    slugs = pa.array(list(table.vocabulary.slugs))
    index = pa.array(table.class_index.astype(np.int8 if len(table.vocabulary) <= 128 else np.int16))
    columns = (
        pa.array([file_text(result.path)] * len(table), pa.string()),
        pa.array(table.frame),
        pa.array(np.round(table.frame * FRAME_SECONDS, 1)),
        index,
        pa.DictionaryArray.from_arrays(index, slugs),
        pa.array(table.source),
        pa.array(table.azimuth, from_pandas=True),
        pa.array(table.distance, from_pandas=True),
        pa.array(table.onscreen),
        pa.array(table.score),
        *(pa.array(ends, from_pandas=True) for ends in interval_ends(result, table)),
    )
    about = {
        "earwitness.model": result.model.name,
        "earwitness.model_sha256": result.model.sha256,
        "earwitness.duration_s": f"{result.duration:.6f}",
        "earwitness.num_frames": str(table.num_frames),
    }
    sink = BytesIO()
    pq.write_table(pa.table(columns, names=list(ROW_COLUMNS), metadata=about), sink, compression="zstd")
    return sink.getvalue()


def interval_ends(result: Detection, table: EventTable) -> NDArray[np.float32]:
    """Ends of the intervals of each row's event (4, n): azimuth, then distance; NaN if unknown."""
    ends = np.full((4, len(table)), np.nan, dtype=np.float32)
    if not result.intervals:
        return ends
    order = np.lexsort((table.frame, table.source, table.class_index))
    by_event, first, stop = table.runs()
    for begin, end in zip(first.tolist(), stop.tolist(), strict=True):
        event = SoundEvent(by_event.select(slice(begin, end)))
        known = result.intervals.get(EventKey.of(event))
        if known is not None:
            unknown = (np.nan, np.nan)
            ends[:, order[begin:end]] = np.array([*(known.azimuth or unknown), *(known.distance or unknown)])[:, None]
    return ends


def to_data_frame(result: Detection, *, tracks: bool = False) -> Any:
    """Return a data frame with one row for each event or, with `tracks`, for each source and 100 ms.

    Its columns are those of the format `events` or `parquet`; unknown values are missing.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtraError("to_pandas()", "pandas") from error
    if not tracks:
        rows = list(event_rows(result))
        extra = list(dict.fromkeys(name for row in rows for name in row if name not in COLUMNS))
        return pandas.DataFrame(rows, columns=[*COLUMNS, *extra])
    table = result.table.sorted()
    slugs = table.vocabulary.slugs
    ends = dict(zip(ROW_COLUMNS[-4:], interval_ends(result, table), strict=True))
    return pandas.DataFrame({
        "file": file_text(result.path), "frame": table.frame, "time_s": np.round(table.frame * FRAME_SECONDS, 1),
        "class_index": table.class_index, "class": [slugs[index] for index in table.class_index.tolist()],
        "source": table.source, "azimuth_deg": table.azimuth, "distance_m": table.distance,
        "onscreen": table.onscreen, "score": table.score, **ends,
    })  # fmt: skip
