"""Clipping: flat tops in the channels as they were recorded, before they are mixed, resampled or turned down.

A clipped wave runs into its largest value steeply and stays there; where that value lies says nothing: floating-point
sound has no ceiling, and clipped sound may have been made softer. A wave that only turns there, as low tones do in
coarse steps, comes and goes by a step or two; a square wave is made so.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

_CHUNK: Final = 32_768
"""Samples that are looked at together: the largest value is that of less than a second."""
_LEAST: Final = 0.01
"""Of full scale: below, nothing is called clipped."""
_RUN: Final = 3
_STEEP_STEPS: Final = 8
"""Steps of the sample format from two samples before a top to it: a wave that only turns there has fewer."""
_SQUARE_SHARE: Final = 0.9


class FlatTops:
    """Counts the samples in flat tops.

    Attributes:
        samples: of all channels, so far.
    """

    def __init__(self) -> None:
        self.samples, self._flat = 0, 0
        self._held = np.zeros((0, 0), np.float32)
        self._parts: list[FlatTops] = []

    def part(self) -> FlatTops:
        """Another one, for a further track, whose samples count here too."""
        self._parts.append(FlatTops())
        return self._parts[-1]

    def add(self, channels: Float32Array) -> None:
        """Take in (channels, n) samples; another number of channels begins anew."""
        if self._held.shape[0] != channels.shape[0]:
            self._flat += _flat(self._held)
            self._held = np.zeros((channels.shape[0], 0), np.float32)
        self.samples += channels.size
        self._held = np.concatenate([self._held, channels], axis=1)
        whole = self._held.shape[1] // _CHUNK * _CHUNK
        for begin in range(0, whole, _CHUNK):
            self._flat += _flat(self._held[:, begin : begin + _CHUNK])
        self._held = self._held[:, whole:]

    @property
    def share(self) -> float:
        """Share of samples in flat tops, 0..1."""
        counted = [self, *self._parts]
        return sum(one._flat + _flat(one._held) for one in counted) / max(1, sum(one.samples for one in counted))


def _flat(channels: Float32Array) -> int:
    return sum(flat_samples(channel) for channel in channels)


def flat_samples(channel: Float32Array) -> int:
    """Number of samples (n,) in flat tops of three or more."""
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
    """The step of the integer format that samples are in: 8, 16 or 24 bits; that of the last for floats."""
    for bits in (7, 15):
        scaled = channel * np.float32(2**bits)
        if (scaled == np.rint(scaled)).all():
            return 2.0**-bits
    return 2.0**-23
