"""Events as JSON lines, each written as soon as the event has ended, while detection still runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from earwitness.core.errors import unwritable
from earwitness.core.events import EventTable, SoundEvent
from earwitness.detect.smoothing import Smoothing
from earwitness.results.document import event_of

LONGEST_FRAMES: Final = 600
"""A longer event is written in pieces, so that memory and work per frame stay constant."""


class IncrementalEvents:
    """Writes events as JSON lines while detection runs.

    The events equal those of the final result, except that long events are split and that corrections which need the
    whole file (dual mono, pictures) are missing. The file exists from the start and is flushed after each line.

    Args:
        path: the file; its folder is created.
        smoothing: how to clean up the events.
        kept: returns the rows to write; all by default.

    Raises:
        EncodingError: it cannot be written.
    """

    def __init__(
        self, path: Path, smoothing: Smoothing, kept: Callable[[EventTable], EventTable] = lambda table: table
    ) -> None:
        self._kept = kept
        self._smoothing = smoothing
        self._bridging = smoothing.keeping_unlikely().model_copy(
            update={"min_event_frames": 1, "median_azimuth_frames": 0}
        )
        self._open: EventTable | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise unwritable(path, error) from None
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError) if error is not None else nullcontext():  # the error that is being raised says more
            self._file.close()

    def add(self, table: EventTable) -> None:
        """Add the decoded events of the next frames."""
        frames, table = table.num_frames, self._kept(table)
        parts = [table] if self._open is None else [self._open, table]
        self._open = EventTable.concatenate(parts, num_frames=frames)
        self._write(self._open, over=frames - 1 - self._smoothing.fill_gap_frames)

    def finish(self) -> None:
        """Write the events that have not ended yet."""
        if self._open is not None:
            self._write(self._open, over=self._open.num_frames + 1)

    def _write(self, table: EventTable, over: int) -> None:
        """Write events that ended before frame `over`, and events that have grown too long; keep the others.

        Raises:
            EncodingError: they cannot be written.
        """
        try:
            self._write_events(table, over)
            self._file.flush()
        except OSError as error:
            raise unwritable(self._path, error) from None

    def _write_events(self, table: EventTable, over: int) -> None:
        still = [EventTable.empty(0, table.vocabulary)]
        for event in self._bridging.apply(table).events():
            last = int(event.table.frame[-1])
            if last < over:
                self._line(event)
            elif len(event.table) > LONGEST_FRAMES:
                self._line(SoundEvent(event.table.select(event.table.frame < last)))
                still.append(event.table.select(event.table.frame == last))
            else:
                still.append(event.table)
        self._open = EventTable.concatenate(still, num_frames=table.num_frames)

    def _line(self, event: SoundEvent) -> None:
        for whole in self._smoothing.apply(event.table).events():  # none, if the event is too short
            values = event_of(whole).model_dump(mode="json", by_alias=True)
            self._file.write(json.dumps(values, allow_nan=False) + "\n")
