"""Tables of tools for data: pandas data frames and Apache Parquet."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MissingExtraError
from earwitness.core.events import FRAME_SECONDS, EventTable, SoundEvent
from earwitness.export.tables.text_tables import COLUMNS, event_rows
from earwitness.results.detection import file_text
from earwitness.results.visual import EventKey

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

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
