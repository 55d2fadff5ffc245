"""The ways into scoring: tables in memory, rows, or folders of CSV files."""

from __future__ import annotations

from collections.abc import Sequence

from earwitness.data.dcase_csv import LabelRows
from earwitness.events import EventTable
from earwitness.metrics.counts import count
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import Scores


def score_tables(
    references: Sequence[EventTable],
    predictions: Sequence[EventTable],
    protocol: Protocol | str = Protocol.STRICT,
    names: Sequence[str] | None = None,
) -> Scores:
    """Score in memory, without CSV files; equal to writing both as CSV and scoring those, rounding included.

    Args:
        references, predictions: one table a clip, in the same order.
        names: names of the clips, for counts by room and the like; by default their numbers.

    Raises:
        LabelError: different numbers of clips; a row without direction or distance (NaN).
    """
    protocol = Protocol(protocol)
    files = [f"clip{number:06d}" for number in range(len(references))] if names is None else list(names)
    rows = [LabelRows.from_table(table) for table in references]
    answers = [LabelRows.from_table(table) for table in predictions]
    return Scores.from_counts(count(files, rows, answers, protocol), protocol)
