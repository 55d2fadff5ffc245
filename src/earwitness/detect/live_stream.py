"""Detection on live sound: samples in, events out, with a fixed delay.

A window slides over the sound. Of each window output, only the frames that end `lookahead` before the end of the window
are used: for those, the model has enough context on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import NotStereoError, UsageError
from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.core.multi_accddoa import decode
from earwitness.core.source_numbers import link_sources
from earwitness.detect.runner.windows import label_frames
from earwitness.media.sound.conversion import StreamResampler

if TYPE_CHECKING:
    from earwitness.detect.runner.model_runner import Runner

Float32Array = NDArray[np.float32]

MERGE_DEG: Final = 15.0


class LiveStream:
    """Detects the events of live sound.

    The events are not smoothed, corrections that need the whole sound are missing, and no event is on screen. Memory
    and the work per second are constant. The results do not depend on how the samples are divided into calls.

    Args:
        runner: runs the model.
        thresholds: (classes,) probability above which a class is active.
        rate: samples per second of the sound that will be pushed.
        lookahead: seconds of context after a frame, 0.1 s to half the model's window.
        hop: seconds between two results, at least 0.1.
        kept: returns the rows to report; all by default.

    Raises:
        UsageError: a rate, lookahead or hop out of range.
    """

    def __init__(
        self,
        runner: Runner,
        thresholds: list[float],
        rate: int,
        lookahead: float = 1.0,
        hop: float = 0.5,
        kept: Callable[[EventTable], EventTable] = lambda table: table,
    ) -> None:
        self._kept = kept
        card = runner.card
        window = card.window_frames
        self._lookahead, self._hop = round(lookahead * FRAME_RATE), round(hop * FRAME_RATE)
        if rate < 1:
            raise UsageError(f"the sample rate must be positive, not {rate}")
        if not 1 <= self._lookahead <= window // 2:
            raise UsageError(f"the lookahead must lie in 0.1..{window / 2 / FRAME_RATE:g} s, not {lookahead:g}")
        if not 1 <= self._hop <= window - self._lookahead:
            most = (window - self._lookahead) / FRAME_RATE
            raise UsageError(f"the hop must lie in 0.1..{most:g} s with this lookahead, not {hop:g}")
        self._runner, self._thresholds = runner, thresholds
        self._resampler = StreamResampler(rate, card.features.sample_rate)
        self._unit, self._window = card.features.label_samples, window
        self._buffer: Float32Array = np.zeros((2, 0), np.float32)
        self._first = 0  # label frame at which the buffer begins
        self._done = 0  # label frames with results
        self._vocabulary = card.vocabulary.vocabulary()
        self._last = EventTable.empty(0, self._vocabulary)  # events of the last of them, to number sources consistently

    @property
    def latency(self) -> float:
        """Longest delay from a sound to its event, seconds, without the computing time."""
        return (self._lookahead + self._hop) / FRAME_RATE

    @property
    def seconds(self) -> float:
        """Seconds of sound for which there are results."""
        return self._done / FRAME_RATE

    def push(self, stereo: NDArray[np.floating]) -> EventTable:
        """Process more sound.

        Args:
            stereo: (2, n) samples in [-1, 1], any n.

        Returns:
            The events of the frames that are new; frames count from the start of the stream.

        Raises:
            NotStereoError: another number of channels.
        """
        samples = np.asarray(stereo, dtype=np.float32)
        if samples.ndim != 2 or samples.shape[0] != 2:
            raise NotStereoError(f"expected samples of shape (2, n), left and right, not {samples.shape}")
        return self._process(self._resampler.push(samples))

    def close(self) -> EventTable:
        """Process the remaining sound at the end of the stream; returns the events of its frames."""
        events = [self._process(self._resampler.finish())]
        end = self._first + label_frames(self._buffer.shape[1], self._runner.card.features)
        if end > self._done:
            events.append(self._detect(self._buffer, end))
        return self._joined(events)

    def _joined(self, events: list[EventTable]) -> EventTable:
        return EventTable.concatenate([EventTable.empty(0, self._vocabulary), *events], num_frames=self._done)

    def _process(self, samples: Float32Array) -> EventTable:
        """Buffer the samples, and detect once for every full hop."""
        self._buffer = np.concatenate([self._buffer, samples], axis=1)
        events = []
        while (self._buffer.shape[1] // self._unit) + self._first >= self._done + self._hop + self._lookahead:
            end = self._done + self._hop + self._lookahead
            events.append(self._detect(self._buffer[:, : (end - self._first) * self._unit], self._done + self._hop))
            self._discard(end)
        return self._joined(events)

    def _detect(self, window: Float32Array, until: int) -> EventTable:
        """Events of the frames up to `until` that have no results yet, from the output for a window of samples."""
        output = np.concatenate(list(self._runner.outputs([window])))
        strip = output[self._done - self._first : until - self._first]
        decoding, vocabulary = self._runner.card.decoding, self._vocabulary
        table = decode(
            strip, threshold=self._thresholds, merge_deg=MERGE_DEG, vocabulary=vocabulary, decoding=decoding
        ).shifted(self._done, until)
        self._done = until
        linked = continue_sources(self._last, table.with_columns(onscreen=False))
        self._last = linked.select(linked.frame == until - 1)
        return self._kept(linked)

    def _discard(self, end: int) -> None:
        """Discard samples before the next window."""
        next_first = max(self._first, min(self._done, end + self._hop - self._window))
        self._buffer = self._buffer[:, (next_first - self._first) * self._unit :]
        self._first = next_first


def continue_sources(before: EventTable, table: EventTable) -> EventTable:
    """Number the sources of `table` so that sources that continue from the last frame, `before`, keep their numbers."""
    if not len(before) or not len(table):
        return link_sources(table)
    both = link_sources(EventTable.concatenate([before, table], num_frames=table.num_frames))
    old = both.frame < table.frame.min()
    source = both.source.copy()
    for class_index in np.unique(both.class_index):
        mine = both.class_index == class_index
        # link_sources sorts by frame, class and source; `before` has the same order apart from the numbers.
        names = _names(both.select(mine & old), before.select(before.class_index == class_index))
        for number in np.unique(both.source[mine]):
            if int(number) not in names:
                names[int(number)] = next(free for free in range(len(both)) if free not in names.values())
        source[mine] = [names[int(number)] for number in both.source[mine]]
    return both.with_columns(source=source).select(~old).sorted()


def _names(renumbered: EventTable, before: EventTable) -> dict[int, int]:
    """New numbers of the last frame's sources -> their previous numbers, matched by azimuth."""
    new, old = renumbered.select(np.argsort(renumbered.azimuth)), before.select(np.argsort(before.azimuth))
    return dict(zip(new.source.tolist(), old.source.tolist(), strict=True))
