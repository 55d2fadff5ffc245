"""A constant offset of a channel (DC), as cheap sound cards leave it: taken out before a model hears the sound.

Sound without an offset goes through unchanged, bit by bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

LEAST_OFFSET: Final = 1.5e-3
"""Of full scale; no honest recording of scripts/measure_doctor.py has so much."""
_PARTS: Final = 10
_STEADY: Final = 0.25
"""Of an offset, how far the means of tenths of a block may lie from it; low sounds move them much farther."""
_STEADY_PARTS: Final = 8
_SAME: Final = 0.3
"""Of an offset, by how much the mean of a block may differ from it where it goes on; loud low sounds hide it."""
_RAMP_SECONDS: Final = 0.02


class OffsetRemover:
    """Takes a constant offset out of a stream of (channels, n) blocks.

    Attributes:
        largest: the largest offset so far, of full scale; 0 where there was none.
    """

    def __init__(self, rate: int) -> None:
        self.rate, self.largest = rate, 0.0
        self._offset = np.zeros(0, np.float32)
        self._blocks = np.zeros(0)  # of the present offset of each channel

    def clean(self, block: Float32Array) -> Float32Array:
        """The block without offset; the block itself where there is none.

        Args:
            block: (channels, n). Blocks of less than half a second are taken to have the offset of the block before.
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
        """The offset of a channel: the mean of what its blocks say, as long as they say about the same."""
        before, found = float(self._offset[number]), steady_offset(block[number])
        if before and abs(block[number].mean(dtype=np.float64) - before) <= _SAME * abs(before):
            self._blocks[number] += 1
            return before + (found - before) / self._blocks[number] if found else before
        self._blocks[number] = 1
        return found

    def _between(self, before: Float32Array, now: Float32Array, length: int) -> Float32Array:
        """Offsets (channels, n): from the old to the new one in a short ramp; a new one holds from the beginning."""
        ramp = np.minimum(np.arange(length, dtype=np.float32) / (_RAMP_SECONDS * self.rate), 1)
        start = np.where(before == 0, now, before)[:, None]
        return np.asarray(start + ramp * (now[:, None] - start), dtype=np.float32)


def steady_offset(channel: Float32Array) -> float:
    """The offset of some samples (n,) whose tenths all have about the same mean; 0 where there is none."""
    parts = np.array([part.mean(dtype=np.float64) for part in np.array_split(channel, _PARTS)])
    offset = float(np.median(parts))
    steady = int((np.abs(parts - offset) <= _STEADY * abs(offset)).sum()) >= _STEADY_PARTS
    return offset if steady and abs(offset) >= LEAST_OFFSET else 0.0
