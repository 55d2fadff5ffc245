"""DCASE2025 CSV: `frame,class,source,azimuth,distance,onscreen`, whole degrees and whole centimetres.

A sound without direction (mono) has an empty azimuth cell, because any number would be wrong. Scorers reject such a
file; the other cells of the row remain valid.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from earwitness.data.dcase.labels import CLIP_FRAMES, HEADER, LabelRows

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
