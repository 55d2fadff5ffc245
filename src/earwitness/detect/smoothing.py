"""Smoothing of decoded events: fill short gaps, drop short and unlikely events, filter the azimuth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import Field

from earwitness.core.events import COLUMNS, EventTable
from earwitness.core.schema import StrictModel
from earwitness.core.source_numbers import link_sources
from earwitness.detect.event_filter import EventFilter

_MEDIAN_VALUES: Final = 2**20
"""Values of the windows whose medians are computed at once, which bounds the memory."""


class Smoothing(StrictModel):
    """How events are cleaned up after decoding; the defaults only remove obvious flicker of the model.

    Attributes:
        fill_gap_frames: gaps of up to this many frames are filled if the source continues nearby.
        fill_max_deg: largest change of azimuth over a gap, degrees; sounds without direction always count as near.
        min_event_frames: shorter events are dropped.
        median_azimuth_frames: odd length of a median filter on an event's azimuth; 0: no filter.
        min_event_score: events with a lower mean score are dropped: they are more often something else.
        event_filter: drops events that are probably none of the classes; None drops none.
    """

    fill_gap_frames: int = Field(1, ge=0, le=100_000)
    fill_max_deg: float = Field(30.0, gt=0)
    min_event_frames: int = Field(2, ge=1, le=100_000)
    median_azimuth_frames: int = Field(0, ge=0, le=10_001)
    min_event_score: float = Field(0.0, ge=0, le=1)
    event_filter: EventFilter | None = None

    def apply(self, table: EventTable) -> EventTable:
        """Return the smoothed events, with sources renumbered.

        Args:
            table: decoded events; their source numbers need not be linked over time.
        """
        table = link_sources(table)
        if self.fill_gap_frames:
            table = link_sources(_fill_gaps(table, self.fill_gap_frames, self.fill_max_deg))
        by_event, first, stop = table.runs()
        kept = by_event.select(np.repeat(stop - first >= self.min_event_frames, stop - first))
        kept = self._likely(kept)
        return (_filtered(kept, self.median_azimuth_frames) if self.median_azimuth_frames > 1 else kept).sorted()

    def _likely(self, table: EventTable) -> EventTable:
        """The events that are not dropped by `min_event_score` and `event_filter`, sorted by event."""
        if not len(table) or (not self.min_event_score and self.event_filter is None):
            return table
        by_event, first, stop = table.runs()
        mean = np.add.reduceat(by_event.score.astype(np.float64), first) / (stop - first)
        kept = mean >= self.min_event_score
        if self.event_filter is not None:
            kept &= self.event_filter.keeps(table)
        return by_event.select(np.repeat(kept, stop - first))

    def keeping_unlikely(self) -> Smoothing:
        """The same, but no event is dropped for its scores."""
        return self.model_copy(update={"min_event_score": 0.0, "event_filter": None})

    def for_classes(self, places: Sequence[int | None]) -> Smoothing:
        """The same for other classes; see `EventFilter.for_classes`."""
        changed = None if self.event_filter is None else self.event_filter.for_classes(places)
        return self.model_copy(update={"event_filter": changed})


def _fill_gaps(table: EventTable, longest: int, max_deg: float) -> EventTable:
    """Add interpolated rows where a source is silent for at most `longest` frames."""
    order = np.lexsort((table.frame, table.source, table.class_index))
    table = table.select(order)
    before, after = np.arange(len(table) - 1), np.arange(1, len(table))
    gap = table.frame[after] - table.frame[before] - 1
    jump = np.abs(table.azimuth[after] - table.azimuth[before])
    with np.errstate(invalid="ignore"):
        bridged = (
            (table.class_index[after] == table.class_index[before])
            & (table.source[after] == table.source[before])
            & (gap >= 1)
            & (gap <= longest)
            & ~(jump > max_deg)
        )
    left = np.repeat(before[bridged], gap[bridged])
    step = np.concatenate([np.arange(1, size + 1) for size in gap[bridged]] or [np.zeros(0, np.int64)])
    share = step / (np.repeat(gap[bridged], gap[bridged]) + 1)
    return _with_rows(table, left, step, share)


def _with_rows(
    table: EventTable, left: NDArray[np.intp], step: NDArray[np.int64], share: NDArray[np.float64]
) -> EventTable:
    """The table with new rows, `step` frames after rows `left` and at `share` (0..1) of the way to the next row."""
    right = left + 1
    new: dict[str, Any] = {name: getattr(table, name)[left] for name in COLUMNS}
    new["frame"] = table.frame[left] + step
    for name in ("azimuth", "distance", "score"):
        values = getattr(table, name)
        new[name] = values[left] + share * (values[right] - values[left])
    columns = {name: np.concatenate([getattr(table, name), new[name]]) for name in COLUMNS}
    return EventTable.from_mapping(columns, table.num_frames, table.vocabulary)


def _filtered(table: EventTable, length: int) -> EventTable:
    """The rows sorted by event, with each event's azimuth median-filtered."""
    by_event, first, stop = table.runs()
    azimuth = by_event.azimuth.copy()
    for begin, end in zip(first, stop, strict=True):
        azimuth[begin:end] = _running_median(azimuth[begin:end], length)
    return by_event.with_columns(azimuth=azimuth)


def _running_median(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Median over `length` (odd) neighbours; the first and the last value are repeated.

    It equals `scipy.ndimage.median_filter`, whose import takes longer than most clips.
    """
    padded = np.pad(values, length // 2, mode="edge")
    windows = sliding_window_view(padded, length)
    step = max(1, _MEDIAN_VALUES // length)
    parts = [np.median(windows[begin : begin + step], axis=1) for begin in range(0, len(windows), step)]
    return np.concatenate(parts)
