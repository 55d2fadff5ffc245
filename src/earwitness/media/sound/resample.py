"""Resamples stereo audio, as a stream or as whole arrays, with exact output lengths."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

StereoArray = NDArray[np.float32]


class StreamResampler:
    """Resamples stereo audio block by block; the result does not depend on the block sizes.

    After `finish`, the total output is exactly round(input samples * rate_out / rate_in) samples.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._rates = (rate_in, rate_out)
        self._same = rate_in == rate_out
        self._stream = None if self._same else soxr.ResampleStream(rate_in, rate_out, 2, dtype="float32")
        self._fed = 0
        self._made = 0

    def push(self, block: StereoArray) -> StereoArray:
        """Feed (2, n) samples; returns the (2, m) samples that are ready, where m may be 0."""
        self._fed += block.shape[1]
        if self._stream is None:
            return block
        return self._take(self._stream.resample_chunk(np.ascontiguousarray(block.T)))

    def finish(self) -> StereoArray:
        """Close the stream; returns the remaining samples (2, m)."""
        if self._stream is None:
            return np.zeros((2, 0), np.float32)
        made_before = self._made
        rest = self._take(self._stream.resample_chunk(np.zeros((0, 2), np.float32), last=True))
        missing = round(self._fed * self._rates[1] / self._rates[0]) - made_before
        if missing <= rest.shape[1]:
            return rest[:, : max(0, missing)]
        return np.pad(rest, ((0, 0), (0, missing - rest.shape[1])))

    def _take(self, interleaved: NDArray[np.float32]) -> StereoArray:
        self._made += interleaved.shape[0]
        return np.ascontiguousarray(interleaved.T)


def resample(stereo: StereoArray, rate_in: int, rate_out: int) -> StereoArray:
    """Resample (2, n) samples to round(n * rate_out / rate_in)."""
    resampler = StreamResampler(rate_in, rate_out)
    return np.concatenate([resampler.push(stereo), resampler.finish()], axis=1)
