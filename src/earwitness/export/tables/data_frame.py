"""A result as a pandas data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from earwitness.core.errors import MissingExtraError
from earwitness.core.events import FRAME_SECONDS
from earwitness.export.tables.event_csv import COLUMNS, event_rows
from earwitness.export.tables.parquet import COLUMNS as PARQUET_COLUMNS
from earwitness.export.tables.parquet import interval_ends
from earwitness.results.detection import file_text

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


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
    ends = dict(zip(PARQUET_COLUMNS[-4:], interval_ends(result, table), strict=True))
    return pandas.DataFrame({
        "file": file_text(result.path), "frame": table.frame, "time_s": np.round(table.frame * FRAME_SECONDS, 1),
        "class_index": table.class_index, "class": [slugs[index] for index in table.class_index.tolist()],
        "source": table.source, "azimuth_deg": table.azimuth, "distance_m": table.distance,
        "onscreen": table.onscreen, "score": table.score, **ends,
    })  # fmt: skip
