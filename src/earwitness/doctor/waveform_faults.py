"""Faults of single channels as recorded, before they are mixed, resampled or scaled: clipping and a constant offset.

A clipped wave reaches its largest value steeply and stays there. The value itself does not matter: floating-point sound
has no limit, and clipped sound may have been scaled down. A low tone in coarse steps approaches its peak by one or two
steps and is not clipped; neither is a square wave.

A constant offset (DC), as cheap sound cards add it, is removed before a model is run. Sound without one passes
unchanged, bit by bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

_CHUNK: Final = 32_768
"""Samples per chunk, less than a second; tops are found per chunk."""
_LEAST: Final = 0.01
"""Smallest level of a top, full scale = 1."""
_RUN: Final = 3
_STEEP_STEPS: Final = 8
"""Smallest rise over two samples before a top, in steps of the sample format; unclipped peaks rise less."""
_SQUARE_SHARE: Final = 0.9

LEAST_OFFSET: Final = 1.5e-3
"""Smallest offset that is removed, full scale = 1; no sound recording of scripts/measure_doctor.py has as much."""
_PARTS: Final = 10
_STEADY: Final = 0.25
"""Largest deviation of the means of tenths of a block, relative to the offset; low sounds deviate much more."""
_STEADY_PARTS: Final = 8
_SAME: Final = 0.3
"""Largest change of the mean of a block, relative to the offset, while the offset continues."""
_RAMP_SECONDS: Final = 0.02


class FlatTops:
    """Counts the samples in flat tops.

    Attributes:
        samples: number of samples of all channels so far.
    """

    def __init__(self) -> None:
        self.samples, self._flat = 0, 0
        self._buffer = np.zeros((0, 0), np.float32)
        self._parts: list[FlatTops] = []

    def part(self) -> FlatTops:
        """Create a counter for another track; its samples are included here."""
        self._parts.append(FlatTops())
        return self._parts[-1]

    def add(self, channels: Float32Array) -> None:
        """Add (channels, n) samples; a change of the number of channels starts a new chunk."""
        if self._buffer.shape[0] != channels.shape[0]:
            self._flat += _flat(self._buffer)
            self._buffer = np.zeros((channels.shape[0], 0), np.float32)
        self.samples += channels.size
        self._buffer = np.concatenate([self._buffer, channels], axis=1)
        whole = self._buffer.shape[1] // _CHUNK * _CHUNK
        for begin in range(0, whole, _CHUNK):
            self._flat += _flat(self._buffer[:, begin : begin + _CHUNK])
        self._buffer = self._buffer[:, whole:]

    @property
    def share(self) -> float:
        """Share of samples in flat tops, 0..1."""
        counted = [self, *self._parts]
        return sum(one._flat + _flat(one._buffer) for one in counted) / max(1, sum(one.samples for one in counted))


def _flat(channels: Float32Array) -> int:
    return sum(flat_samples(channel) for channel in channels)


def flat_samples(channel: Float32Array) -> int:
    """Number of samples of a channel (n,) in flat tops of three or more."""
    if channel.size <= _RUN:
        return 0
    tops = [top for top in (channel.max(), channel.min()) if abs(top) >= _LEAST]
    at_top = sum(int(np.count_nonzero(channel == top)) for top in tops)
    if at_top < _RUN or at_top > _SQUARE_SHARE * channel.size:
        return 0
    return sum(_at(channel, top) for top in tops)


def _at(channel: Float32Array, top: np.float32) -> int:
    edges = np.diff(np.concatenate([[False], channel == top, [False]]).astype(np.int8))
    first, stop = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = stop - first >= _RUN
    if not long.any():
        return 0
    first, stop = first[long], stop[long]
    before, after = channel[np.maximum(first - 2, 0)], channel[np.minimum(stop + 1, channel.size - 1)]
    rise = np.maximum(np.abs(top - before), np.abs(top - after))
    return int((stop - first)[rise >= _STEEP_STEPS * _step(channel)].sum())


def _step(channel: Float32Array) -> float:
    """Quantisation step of the samples: that of 8, 16 or 24 bits; for floats, that of 24 bits."""
    for bits in (7, 15):
        scaled = channel * np.float32(2**bits)
        if (scaled == np.rint(scaled)).all():
            return 2.0**-bits
    return 2.0**-23


class OffsetRemover:
    """Removes a constant offset from a stream of (channels, n) blocks.

    Attributes:
        largest: the largest offset so far, full scale = 1; 0 if there was none.
    """

    def __init__(self, rate: int) -> None:
        self.rate, self.largest = rate, 0.0
        self._offset = np.zeros(0, np.float32)
        self._blocks = np.zeros(0)  # number of blocks with the current offset, per channel

    def clean(self, block: Float32Array) -> Float32Array:
        """Return a block without its offset (the same array if there is none).

        Args:
            block: (channels, n). Blocks shorter than half a second get the offset of the previous block.
        """
        if not self._offset.size:
            self._offset, self._blocks = np.zeros(block.shape[0], np.float32), np.zeros(block.shape[0])
        before, now = self._offset, self._offset
        if block.shape[1] >= self.rate / 2:
            now = np.array([self._estimate(block, number) for number in range(len(block))], np.float32)
        if not before.any() and not now.any():
            return block
        self.largest, self._offset = max(self.largest, float(np.abs(now).max())), now
        return np.asarray(block - self._between(before, now, block.shape[1]), dtype=np.float32)

    def _estimate(self, block: Float32Array, number: int) -> float:
        """The offset of a channel: the mean over its blocks, as long as their offsets are similar."""
        before, found = float(self._offset[number]), steady_offset(block[number])
        if before and abs(block[number].mean(dtype=np.float64) - before) <= _SAME * abs(before):
            self._blocks[number] += 1
            return before + (found - before) / self._blocks[number] if found else before
        self._blocks[number] = 1
        return found

    def _between(self, before: Float32Array, now: Float32Array, length: int) -> Float32Array:
        """Offsets (channels, n): a short ramp from the old to the new one; the first one applies at once."""
        ramp = np.minimum(np.arange(length, dtype=np.float32) / (_RAMP_SECONDS * self.rate), 1)
        start = np.where(before == 0, now, before)[:, None]
        return np.asarray(start + ramp * (now[:, None] - start), dtype=np.float32)


def steady_offset(channel: Float32Array) -> float:
    """The offset of samples (n,), if the means of their tenths are similar; 0 otherwise."""
    starts = np.arange(_PARTS) * channel.size // _PARTS
    parts = np.add.reduceat(channel, starts, dtype=np.float64) / np.diff(starts, append=channel.size)
    middle = _PARTS // 2
    offset = float(np.partition(parts, (middle - 1, middle))[middle - 1 : middle + 1].mean())  # np.median is slow
    steady = int((np.abs(parts - offset) <= _STEADY * abs(offset)).sum()) >= _STEADY_PARTS
    return offset if steady and abs(offset) >= LEAST_OFFSET else 0.0
