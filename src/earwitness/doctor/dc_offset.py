"""Removal of a constant offset (DC) of a channel, as cheap sound cards add it, before a model is run.

Sound without an offset passes unchanged, bit by bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

LEAST_OFFSET: Final = 1.5e-3
"""Smallest offset that is removed, full scale = 1; no sound recording of scripts/measure_doctor.py has as much."""
_PARTS: Final = 10
_STEADY: Final = 0.25
"""Largest deviation of the means of tenths of a block, relative to the offset; low sounds deviate much more."""
_STEADY_PARTS: Final = 8
_SAME: Final = 0.3
"""Largest change of the mean of a block, relative to the offset, while the offset continues."""
_RAMP_SECONDS: Final = 0.02


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
