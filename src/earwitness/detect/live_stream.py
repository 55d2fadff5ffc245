"""Sound that is still going on: samples in, events out, a fixed time behind.

A window slides along with the sound. Of each of its positions only a strip is taken that lies `lookahead` before its
end: further back than that the model hears both sides of it well enough, and later is late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import NotStereoError, UsageError
from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.core.multi_accddoa import decode
from earwitness.core.source_numbers import link_sources
from earwitness.detect.runner.windows import label_frames
from earwitness.media.sound.resample import StreamResampler

if TYPE_CHECKING:
    from earwitness.detect.runner.model_runner import Runner

Float32Array = NDArray[np.float32]

MERGE_DEG: Final = 15.0


class LiveStream:
    """Events of a stream, as the model decodes them, without what only the end of a file can tell.

    They are not smoothed, and nothing is on screen, since there is no picture. Memory and the work of a second do not
    grow with time. What comes out does not depend on how the samples were cut into calls.

    Args:
        runner: the model.
        thresholds: (classes,) one a class.
        rate: samples per second that will be pushed.
        lookahead: seconds that the model hears beyond what it is asked about, 0.1 s to half its window.
        hop: seconds between two answers, at least 0.1.

    Raises:
        UsageError: a rate, lookahead or hop that cannot be.
    """

    def __init__(
        self, runner: Runner, thresholds: list[float], rate: int, lookahead: float = 1.0, hop: float = 0.5
    ) -> None:
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
        self._held: Float32Array = np.zeros((2, 0), np.float32)
        self._first = 0  # label frame at which what is held begins
        self._told = 0  # label frames that have been answered
        self._last = EventTable.empty()  # the last of them, for the numbers of sources

    @property
    def latency(self) -> float:
        """Seconds from a sound to its event at the latest, besides the time that computing takes."""
        return (self._lookahead + self._hop) / FRAME_RATE

    @property
    def seconds(self) -> float:
        """How far the answers reach."""
        return self._told / FRAME_RATE

    def push(self, stereo: NDArray[np.floating]) -> EventTable:
        """Hear on.

        Args:
            stereo: (2, n) samples in [-1, 1], any n.

        Returns:
            What sounds in the frames that are newly settled; frames count from the beginning of the stream.

        Raises:
            NotStereoError: another number of channels.
        """
        samples = np.asarray(stereo, dtype=np.float32)
        if samples.ndim != 2 or samples.shape[0] != 2:
            raise NotStereoError(f"expected samples of shape (2, n), left and right, not {samples.shape}")
        return self._take(self._resampler.push(samples))

    def close(self) -> EventTable:
        """The rest, when the sound is over."""
        settled = [self._take(self._resampler.finish())]
        end = self._first + label_frames(self._held.shape[1], self._runner.card.features)
        if end > self._told:
            settled.append(self._answer(self._held, end))
        return EventTable.concatenate(settled, num_frames=self._told)

    def _take(self, samples: Float32Array) -> EventTable:
        """Hold the samples, and answer as often as a hop is full."""
        self._held = np.concatenate([self._held, samples], axis=1)
        settled = []
        while (self._held.shape[1] // self._unit) + self._first >= self._told + self._hop + self._lookahead:
            end = self._told + self._hop + self._lookahead
            settled.append(self._answer(self._held[:, : (end - self._first) * self._unit], self._told + self._hop))
            self._forget(end)
        return EventTable.concatenate(settled, num_frames=self._told)

    def _answer(self, heard: Float32Array, until: int) -> EventTable:
        """Events of the frames from those told so far up to `until`, out of a window that ends with `heard`."""
        output = np.concatenate(list(self._runner.outputs([heard])))
        strip = output[self._told - self._first : until - self._first]
        table = decode(strip, threshold=self._thresholds, merge_deg=MERGE_DEG).shifted(self._told, until)
        self._told = until
        linked = continue_sources(self._last, table.with_columns(onscreen=False))
        self._last = linked.select(linked.frame == until - 1)
        return linked

    def _forget(self, end: int) -> None:
        """Drop what lies before the window of the next answer."""
        next_first = max(self._first, min(self._told, end + self._hop - self._window))
        self._held = self._held[:, (next_first - self._first) * self._unit :]
        self._first = next_first


def continue_sources(before: EventTable, table: EventTable) -> EventTable:
    """Number the sources of `table` so that those that go on from the last frame, `before`, keep their numbers."""
    if not len(before) or not len(table):
        return link_sources(table)
    both = link_sources(EventTable.concatenate([before, table], num_frames=table.num_frames))
    old = both.frame < table.frame.min()
    source = both.source.copy()
    for class_index in np.unique(both.class_index):
        mine = both.class_index == class_index
        # link_sources sorts by frame, class and source, and so is `before` sorted, but for the numbers.
        names = _names(both.select(mine & old), before.select(before.class_index == class_index))
        for number in np.unique(both.source[mine]):
            if int(number) not in names:
                names[int(number)] = next(free for free in range(len(both)) if free not in names.values())
        source[mine] = [names[int(number)] for number in both.source[mine]]
    return both.with_columns(source=source).select(~old).sorted()


def _names(renumbered: EventTable, before: EventTable) -> dict[int, int]:
    """New numbers of the last frame's sources -> their numbers so far; they are told apart by their azimuths."""
    new, old = renumbered.select(np.argsort(renumbered.azimuth)), before.select(np.argsort(before.azimuth))
    return dict(zip(new.source.tolist(), old.source.tolist(), strict=True))
