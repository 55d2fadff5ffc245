"""Events decoded from a stream of sound, in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.core.memory import release_memory
from earwitness.core.multi_accddoa import decode
from earwitness.detect.any_sound.class_free import CLASS_FREE, decode_class_free
from earwitness.detect.incremental import IncrementalEvents
from earwitness.detect.live_stream import MERGE_DEG
from earwitness.detect.runner.model_runner import Runner
from earwitness.detect.runner.windows import label_frames
from earwitness.doctor.channel_stats import ChannelFigures, ChannelStats
from earwitness.doctor.waveform_faults import FlatTops
from earwitness.media.timeline import Stretch
from earwitness.results.detection import without_direction_in

Float32Array = NDArray[np.float32]

_RELEASE_EVERY: Final = 30
"""Batches of windows after which free memory is returned to the system: about ten minutes of sound."""


@dataclass(frozen=True, slots=True)
class DecodedSound:
    """Events and channel figures, before the directions are checked against the channels.

    Attributes:
        table: events as decoded.
        figures: figures of the two channels.
        stretches: stretches in which the channels carry no direction.
        free: rows of the class-free track; None if it was not wanted.
    """

    table: EventTable
    figures: ChannelFigures
    stretches: list[Stretch]
    free: EventTable | None = None


def decode_sound(
    blocks: Iterable[Float32Array],
    runner: Runner,
    thresholds: Sequence[float],
    incremental: IncrementalEvents | None = None,
    undirected: Sequence[Stretch] = (),
    tops: FlatTops | None = None,
    *,
    any_sound: bool = False,
) -> DecodedSound:
    """Run a model on a stream of sound.

    Args:
        blocks: (2, n) samples at the model's rate.
        runner: runs the model.
        thresholds: (classes,) probability above which a class is active.
        incremental: receives the events while the stream is read.
        undirected: stretches without direction; the list may grow while the stream is read.
        tops: clipping that the reader has measured before resampling.
        any_sound: whether to decode the class-free track too.
    """
    stats = ChannelStats(runner.card.features.sample_rate, tops)
    vocabulary = runner.card.vocabulary.vocabulary()
    tables, frames = [EventTable.empty(0, vocabulary)], 0
    free = [EventTable.empty(0, CLASS_FREE)]
    for number, output in enumerate(runner.outputs(_measured(blocks, stats), any_sound=any_sound)):
        if number % _RELEASE_EVERY == 0:  # the first time, this returns what opening a long file took
            release_memory()
        table = decode(
            output[:, :, : len(vocabulary)],
            threshold=list(thresholds),
            merge_deg=MERGE_DEG,
            vocabulary=vocabulary,
            decoding=runner.card.decoding,
        )
        tables.append(table.shifted(frames, frames + len(output)))
        if any_sound:
            rows = decode_class_free(output[:, :, len(vocabulary) :], MERGE_DEG, runner.card)
            free.append(rows.shifted(frames, frames + len(output)))
        frames += len(output)
        if incremental is not None:
            incremental.add(without_direction_in(tables[-1], undirected))
    if incremental is not None:
        incremental.finish()
    # Sound shorter than one window was padded.
    last = label_frames(stats.samples, runner.card.features)
    whole = EventTable.concatenate(tables, num_frames=frames).window(0, last)
    anything = EventTable.concatenate(free, num_frames=frames).window(0, last) if any_sound else None
    return DecodedSound(whole, stats.figures(), stats.stretches(), anything)


def _measured(blocks: Iterable[Float32Array], stats: ChannelStats) -> Iterator[Float32Array]:
    for block in blocks:
        yield stats.add(block)
