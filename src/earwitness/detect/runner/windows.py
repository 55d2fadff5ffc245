"""Overlapping windows over a stream of features, and the mean of their outputs, in constant memory.

The edges of a window have context on one side only, so each output frame is a weighted mean over the windows that
contain it, with a triangular taper. The tracks of a multi-ACCDDOA output have no fixed order: the tracks of a new
window are matched to the running mean before they are added.

Features are computed block by block and equal those of the whole sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import UsageError
from earwitness.features import FeatureConfig, FeatureExtractor

Float32Array = NDArray[np.float32]


def label_frames(samples: int, config: FeatureConfig) -> int:
    """Label frames of a sound: its length, rounded to the nearest, and at least one unless it is empty."""
    return max(1, (samples + config.label_samples // 2) // config.label_samples) if samples else 0


def feature_blocks(
    stereo: Iterable[Float32Array], extractor: FeatureExtractor, block_label_frames: int = 25
) -> Iterator[Float32Array]:
    """Features of sound that arrives in blocks.

    A remainder of half a label frame or more is padded with silence, a shorter one is dropped.

    Args:
        stereo: blocks (2, n) of any lengths at the extractor's rate.
        extractor: computes the features.
        block_label_frames: smallest number of label frames per call of the extractor.

    Yields:
        (C, T, bands), T whole label frames; the last block includes the closing frames, if the features have any.
        Nothing for sound without samples.
    """
    unit, context = extractor.config.label_samples, extractor.context_samples
    buffer = np.zeros((2, 0), np.float32)
    left = done = 0  # samples whose features are done: those still in the buffer as context, and all
    for block in stereo:
        buffer = np.concatenate([buffer, block], axis=1)
        ready = (buffer.shape[1] - left - context) // unit * unit
        if ready >= block_label_frames * unit:
            yield extractor.extract(buffer[:, : left + ready + context], left=left, right=context, closing=False)
            keep = min(context, left + ready)
            buffer, left, done = buffer[:, left + ready - keep :], keep, done + ready
    remainder = buffer.shape[1] - left
    whole = label_frames(done + remainder, extractor.config) * unit - done
    if whole or (done and extractor.config.closing_frames):
        buffer = np.pad(buffer, ((0, 0), (0, max(0, whole - remainder))))
        yield extractor.extract(buffer, left=left, right=buffer.shape[1] - left - whole)


ACTIVITY_FLOOR: Final = 1e-3
"""Weight of an inactive track in the mean of distance and on-screen probability, so that the mean is defined."""


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """How a stream is cut into windows.

    Attributes:
        length: label frames per window, as in training.
        hop: label frames from one window to the next, 1..length.
        oversampling: feature frames per label frame.
        closing: additional feature frames at the end of a window; see `FeatureConfig.closing_frames`.
    """

    length: int = 50
    hop: int = 25
    oversampling: int = 5
    closing: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.hop <= self.length:
            raise UsageError(f"the window hop must lie in 1..{self.length} label frames, not {self.hop}")


@dataclass(frozen=True, slots=True)
class Window:
    """One window of features.

    Attributes:
        start: its first label frame.
        features: (channels, length * oversampling + closing, bands) float32.
    """

    start: int
    features: Float32Array


def cut_windows(blocks: Iterable[Float32Array], plan: WindowPlan) -> Iterator[Window]:
    """Cut a stream of features into overlapping windows of the same length.

    The last window ends at the end of the stream, so its overlap is larger. Only a stream shorter than one window is
    padded: with itself, mirrored in time, because models are not trained on digital silence.

    Args:
        blocks: feature blocks (channels, frames, bands), of any lengths; in total whole label frames and `closing`
            frames.

    Yields:
        Windows in order of `start`; none for an empty stream.
    """
    length, hop = plan.length * plan.oversampling + plan.closing, plan.hop * plan.oversampling
    buffer: Float32Array | None = None
    first = 0  # feature frame at which the buffer begins
    due = 0  # feature frame at which the next regular window begins
    for block in blocks:
        buffer = block if buffer is None else np.concatenate([buffer, block], axis=1)
        while first + buffer.shape[1] >= due + length:
            yield Window(due // plan.oversampling, buffer[:, due - first : due - first + length])
            due += hop
        # The remainder must contain a whole window: it is the last one if the stream ends now.
        spare = max(0, min(due - first, buffer.shape[1] - length))
        buffer, first = buffer[:, spare:], first + spare
    if buffer is None or buffer.shape[1] == 0:
        return
    end = first + buffer.shape[1]
    if end < length:
        yield Window(0, np.pad(buffer, ((0, 0), (0, length - end), (0, 0)), mode="symmetric"))
    elif end > due - hop + length:
        yield Window((end - length) // plan.oversampling, buffer[:, -length:])


class OverlapMean:
    """Running mean of overlapping window outputs whose tracks may be in any order.

    x and y are weighted by the taper; distance and on-screen probability also by the activity |(x, y)|, because those
    of an inactive track carry no information.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._empty = np.zeros((0, 3, 0, 4), np.float32)
        self._taper = _triangle(length)
        self._start = 0
        self._sum: Float32Array | None = None  # (frames, 3, classes, 4), fields times their weights
        self._weight: Float32Array = np.zeros(0, np.float32)  # (frames,)
        self._activity: Float32Array | None = None  # (frames, 3, classes)

    def add(self, start: int, output: Float32Array) -> Float32Array:
        """Add the output of a window that begins at `start`, not before the previous one.

        Args:
            output: (length, 3, classes, 4): x, y, distance, on-screen probability.

        Returns:
            (frames, 3, classes, 4): the frames that no later window contains, those before `start`.
        """
        self._empty = np.zeros((0, *output.shape[1:]), np.float32)
        finished = self._release(start - self._start)
        self._start = start
        self._grow(output.shape)
        assert self._sum is not None
        assert self._activity is not None
        known = int(np.count_nonzero(self._weight))  # the overlap comes first: weights are positive
        if known:
            output = align_tracks(self._mean(known)[..., :2], output, self._taper[:known])
        taper = self._taper[:, None, None]
        activity = taper * (np.hypot(output[..., 0], output[..., 1]) + ACTIVITY_FLOOR)
        self._sum[..., :2] += taper[..., None] * output[..., :2]
        self._sum[..., 2:] += activity[..., None] * output[..., 2:]
        self._weight += self._taper
        self._activity += activity
        return finished

    def close(self) -> Float32Array:
        """The remaining frames, after the last window."""
        return self._release(len(self._weight))

    def _grow(self, shape: tuple[int, ...]) -> None:
        missing = self._length - len(self._weight)
        if self._sum is None or self._activity is None:
            self._sum, self._activity = np.zeros(shape, np.float32), np.zeros(shape[:3], np.float32)
        else:
            self._sum = np.concatenate([self._sum, np.zeros((missing, *shape[1:]), np.float32)])
            self._activity = np.concatenate([self._activity, np.zeros((missing, *shape[1:3]), np.float32)])
        self._weight = np.concatenate([self._weight, np.zeros(missing, np.float32)])

    def _mean(self, frames: int) -> Float32Array:
        assert self._sum is not None
        assert self._activity is not None
        mean = self._sum[:frames].copy()
        mean[..., :2] /= self._weight[:frames, None, None, None]
        mean[..., 2:] /= self._activity[:frames, ..., None]
        return mean

    def _release(self, frames: int) -> Float32Array:
        if self._sum is None or self._activity is None:
            return self._empty
        finished = self._mean(frames)
        self._sum, self._activity = self._sum[frames:], self._activity[frames:]
        self._weight = self._weight[frames:]
        return finished


def align_tracks(reference: Float32Array, output: Float32Array, weight: Float32Array) -> Float32Array:
    """Reorder the tracks of an output, class by class, to be nearest to a reference in (x, y).

    Args:
        reference: (frames, tracks, classes, 2), the overlap with the first frames of `output`.
        output: (length, tracks, classes, fields), fields x and y first.
        weight: (frames,) weights of the overlapping frames.

    Returns:
        The output with reordered tracks; for ties, the original order is kept.
    """
    frames, tracks, classes, _ = reference.shape
    head = output[:frames, :, :, :2]
    difference = reference[:, :, None] - head[:, None]  # (frames, reference track, output track, classes, 2)
    cost = np.einsum("f,fabcx->abc", weight, np.square(difference))
    orders = _orders(tracks)  # the identity comes first and wins ties
    totals = cost[np.arange(tracks), orders].sum(axis=1)  # (orders, classes)
    best = orders[np.argmin(totals, axis=0)]  # (classes, tracks)
    return np.ascontiguousarray(output[:, best.T, np.arange(classes)])


@cache
def _orders(tracks: int) -> NDArray[np.intp]:
    return np.array(list(permutations(range(tracks))), dtype=np.intp)


@cache
def _triangle(length: int) -> Float32Array:
    centre = (length - 1) / 2
    return np.asarray(1 - np.abs(np.arange(length) - centre) / (centre + 1), dtype=np.float32)
