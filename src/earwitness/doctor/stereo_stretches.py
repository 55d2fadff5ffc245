"""Stretches of a recording in which the two channels carry no direction.

In an edited recording, a part may be mono, or a channel of it inverted, delayed or silent; figures of the whole file do
not show that. The limits come from scripts/measure_doctor.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.doctor.channel_blocks import Blocks
from earwitness.doctor.long_windows import WINDOW_SECONDS, WindowDelay
from earwitness.media.timeline import Stretch, join_stretches

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MONO_SECONDS: Final = 1.0
MONO_DB: Final = (-32.0, -28.0)
"""Side over mid: a mono stretch starts below the first value and ends above the second."""
SILENT_SECONDS: Final = 1.0
SILENT_DB: Final = (38.0, 32.0)
"""Level difference of the channels, in the same way."""
PANNED_SHARE: Final = 0.5
"""Share of the loud time: panned dialogue fills it with one side or the other; drop-outs are exceptions."""
OPPOSITE_SECONDS: Final = 3.0
OPPOSITE: Final = (-0.14, -0.06)
"""Agreement of the channels, in the same way; see `Blocks`."""
INVERTED: Final = "one channel is inverted"
_SAME_LAG_SECONDS: Final = 2e-4
_LEAST_LAG_SECONDS: Final = 2e-3
"""Smaller delays come from spaced microphones, which are judged over the whole file."""
_LEAST_WINDOWS: Final = 2
_AT_END_SECONDS: Final = 0.75
_TINY: Final = 1e-20


def find_stretches(blocks: Blocks, delays: Sequence[WindowDelay], seconds: float) -> list[Stretch]:
    """Find the stretches without direction, with their reasons.

    Args:
        blocks: blocks of the whole recording.
        delays: delays of its long windows.
        seconds: length of the recording.
    """
    loud = blocks.loud()
    found = [
        *_runs(blocks, loud, _side_over_mid, MONO_SECONDS, MONO_DB, "the same sound on both channels"),
        *_silent_channels(blocks, loud),
        *_opposite(blocks, loud),
        *_delayed(delays),
    ]
    return join_stretches([_to_the_ends(stretch, seconds) for stretch in found], blocks.seconds)


def _silent_channels(blocks: Blocks, loud: NDArray[np.intp]) -> list[Stretch]:
    """Stretches where one channel is silent; none where both are in turn, most of the time: sources panned hard."""
    limits = _negative(SILENT_DB)
    right = _runs(blocks, loud, _right_over_left, SILENT_SECONDS, limits, "the right channel is silent")
    left = _runs(blocks, loud, _left_over_right, SILENT_SECONDS, limits, "the left channel is silent")
    if left and right:
        times = loud * blocks.seconds
        within = [(times >= one.start - blocks.seconds / 2) & (times < one.end) for one in (*left, *right)]
        if np.any(within, axis=0).mean() > PANNED_SHARE:
            return []
    return [*right, *left]


def _negative(limits: tuple[float, float]) -> tuple[float, float]:
    return -limits[0], -limits[1]


def _sums(blocks: Blocks, loud: NDArray[np.intp], length: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    columns = blocks.left[loud], blocks.right[loud], blocks.cross[loud]
    left, right, cross = (np.convolve(column, np.ones(length), "valid") for column in columns)
    return left, right, cross


def _side_over_mid(blocks: Blocks, loud: NDArray[np.intp], length: int) -> FloatArray:
    left, right, cross = _sums(blocks, loud, length)
    return _decibels(np.maximum(left + right - 2 * cross, 0), left + right + 2 * cross)


def _right_over_left(blocks: Blocks, loud: NDArray[np.intp], length: int) -> FloatArray:
    left, right, _ = _sums(blocks, loud, length)
    return _decibels(right, left)


def _left_over_right(blocks: Blocks, loud: NDArray[np.intp], length: int) -> FloatArray:
    left, right, _ = _sums(blocks, loud, length)
    return _decibels(left, right)


def _runs(
    blocks: Blocks,
    loud: NDArray[np.intp],
    value: Callable[[Blocks, NDArray[np.intp], int], FloatArray],
    seconds: float,
    limits: tuple[float, float],
    reason: str,
) -> list[Stretch]:
    """Stretches in which `value` is low for every window; a single block of another kind would raise it."""
    length = max(1, round(seconds / blocks.seconds))
    if len(loud) < length:
        return []
    return [
        _span(blocks, loud, first, stop + length - 1, reason)
        for first, stop in below(value(blocks, loud, length), limits)
    ]


def _opposite(blocks: Blocks, loud: NDArray[np.intp]) -> list[Stretch]:
    """Stretches in which the channels are out of phase on average."""
    length = max(1, round(OPPOSITE_SECONDS / blocks.seconds))
    if len(loud) < length:
        return []
    agreement = blocks.agreement[loud]
    mean = np.convolve(agreement, np.ones(length) / length, "valid")
    stretches = []
    for first, stop in below(mean, OPPOSITE):
        # The outer windows extend beyond the stretch.
        begin, end = _largest_sum(OPPOSITE[1] - agreement[first : stop + length - 1])
        stretches.append(_span(blocks, loud, first + begin, first + end, INVERTED))
    return stretches


def _largest_sum(values: FloatArray) -> tuple[int, int]:
    """The slice (first, stop) of the values with the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    end = int(np.argmax(sums - np.minimum.accumulate(sums)))
    return int(np.argmin(sums[: end + 1])), end


def _delayed(delays: Sequence[WindowDelay]) -> list[Stretch]:
    """Stretches in which two or more consecutive windows have the same delay."""
    known = [one for one in delays if not math.isnan(one.lag)]
    stretches, first = [], 0
    for index in range(1, len(known) + 1):
        lag = known[first].lag
        if index < len(known) and abs(known[index].lag - lag) <= _SAME_LAG_SECONDS:
            continue
        if abs(lag) >= _LEAST_LAG_SECONDS and index - first >= _LEAST_WINDOWS:
            late = "right" if lag > 0 else "left"
            reason = f"the {late} channel lags by {abs(lag) * 1000:.0f} ms"
            # The outer windows may be only partly within the stretch.
            begin, end = known[first].start + WINDOW_SECONDS / 4, known[index - 1].start + 3 * WINDOW_SECONDS / 4
            stretches.append(Stretch(begin, end, reason))
        first = index
    return stretches


def below(values: FloatArray, limits: tuple[float, float]) -> list[tuple[int, int]]:
    """Runs (first, stop) that stay below the second limit and fall below the first somewhere."""
    low = np.concatenate([[False], values < limits[1], [False]])
    edges = np.diff(low.astype(np.int8))
    runs = zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    return [(first, stop) for first, stop in runs if values[first:stop].min() < limits[0]]


def _span(blocks: Blocks, loud: NDArray[np.intp], first: int, stop: int, reason: str) -> Stretch:
    """The time between two loud blocks; extended to the start or end of the file for the outermost ones."""
    start = 0.0 if first == 0 else float(loud[first]) * blocks.seconds
    end = float("inf") if stop >= len(loud) else float(loud[stop - 1] + 1) * blocks.seconds
    return Stretch(start, end, reason)


def _to_the_ends(stretch: Stretch, seconds: float) -> Stretch:
    start = 0.0 if stretch.start < _AT_END_SECONDS else stretch.start
    end = float("inf") if stretch.end > seconds - _AT_END_SECONDS else stretch.end
    return Stretch(start, end, stretch.reason)


def _decibels(power: FloatArray, reference: FloatArray) -> FloatArray:
    return 10 * np.log10((power + _TINY) / (reference + _TINY))
