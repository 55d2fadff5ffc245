"""Overlapping windows over a stream: cut features, and put the outputs back together, in constant memory.

A window's edges see only half of their context, so each output frame is a weighted mean over the windows that hold it,
with a triangular taper. The tracks of a multi-ACCDDOA output come in no fixed order: a new window's tracks are matched
to the running mean before they enter it.

Features of a stream of sound: what the whole sound would have, block by block, in constant memory.
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
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.features import FeatureConfig, FeatureExtractor

Float32Array = NDArray[np.float32]


def label_frames(samples: int, config: FeatureConfig) -> int:
    """Label frames of a sound: its length rounded to the nearest, and at least one of any sound."""
    return max(1, (samples + config.label_samples // 2) // config.label_samples) if samples else 0


def feature_blocks(
    stereo: Iterable[Float32Array], extractor: FeatureExtractor, block_label_frames: int = 25
) -> Iterator[Float32Array]:
    """Features of a sound that comes in blocks.

    A rest of half a label frame or more is filled up with silence, a shorter one left out.

    Args:
        stereo: blocks (2, n) of any lengths at the extractor's rate.
        block_label_frames: how much is extracted at once, at least.

    Yields:
        (C, T, bands), T whole label frames, at the end also the frames that close the sound, if the features have such;
        nothing for a sound without samples.
    """
    unit, context = extractor.config.label_samples, extractor.context_samples
    held = np.zeros((2, 0), np.float32)
    left = done = 0  # samples that have had their features: those still held as context, and all
    for block in stereo:
        held = np.concatenate([held, block], axis=1)
        ready = (held.shape[1] - left - context) // unit * unit
        if ready >= block_label_frames * unit:
            yield extractor.extract(held[:, : left + ready + context], left=left, right=context, closing=False)
            keep = min(context, left + ready)
            held, left, done = held[:, left + ready - keep :], keep, done + ready
    rest = held.shape[1] - left
    whole = label_frames(done + rest, extractor.config) * unit - done
    if whole or (done and extractor.config.closing_frames):
        held = np.pad(held, ((0, 0), (0, max(0, whole - rest))))
        yield extractor.extract(held, left=left, right=held.shape[1] - left - whole)


ACTIVITY_FLOOR: Final = 1e-3
"""Share that a silent track still has in the mean of distance and on-screen probability, so that it is defined."""


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """How a stream is cut.

    Attributes:
        length: label frames a window; what the model was trained on.
        hop: label frames from one window to the next, 1..length.
        oversampling: feature frames a label frame.
        closing: feature frames that a window has at its end besides, see `FeatureConfig.closing_frames`.
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
    """A stretch of features.

    Attributes:
        start: its first label frame.
        features: (channels, length * oversampling + closing, bands) float32.
    """

    start: int
    features: Float32Array


def cut_windows(blocks: Iterable[Float32Array], plan: WindowPlan) -> Iterator[Window]:
    """Cut a stream of features into overlapping windows of one length.

    The last window ends where the stream ends (it overlaps the one before by more than the others do), so that no
    window but that of a stream shorter than one window is padded: with itself, mirrored in time, for digital silence
    is something that no model was trained on.

    Args:
        blocks: feature blocks (channels, frames, bands), of any lengths, whole label frames and `closing` in all.

    Yields:
        Windows with growing `start`; none for an empty stream.
    """
    length, hop = plan.length * plan.oversampling + plan.closing, plan.hop * plan.oversampling
    held: Float32Array | None = None
    first = 0  # feature frame at which `held` begins
    due = 0  # feature frame at which the next regular window begins
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        while first + held.shape[1] >= due + length:
            yield Window(due // plan.oversampling, held[:, due - first : due - first + length])
            due += hop
        # What is left must still hold a whole window, which is the last one if the stream ends now.
        spare = max(0, min(due - first, held.shape[1] - length))
        held, first = held[:, spare:], first + spare
    if held is None or held.shape[1] == 0:
        return
    end = first + held.shape[1]
    if end < length:
        yield Window(0, np.pad(held, ((0, 0), (0, length - end), (0, 0)), mode="symmetric"))
    elif end > due - hop + length:
        yield Window((end - length) // plan.oversampling, held[:, -length:])


class OverlapMean:
    """Running mean of overlapping window outputs, safe against reordered tracks.

    x and y are averaged with the taper's weights; distance and on-screen probability also with the activity
    |(x, y)|, for a track that hears nothing says nothing about them.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._taper = _triangle(length)
        self._start = 0
        self._sum: Float32Array | None = None  # (frames, 3, classes, 4), fields times their weights
        self._weight: Float32Array = np.zeros(0, np.float32)  # (frames,)
        self._activity: Float32Array | None = None  # (frames, 3, classes)

    def add(self, start: int, output: Float32Array) -> Float32Array:
        """Take in a window that begins at `start`, not before the previous one's.

        Args:
            output: (length, 3, classes, 4): x, y, distance, on-screen probability.

        Returns:
            (frames, 3, classes, 4): the frames that no later window can touch, i.e. those before `start`.
        """
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
        """The frames that are left, after the last window."""
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
            return np.zeros((0, 3, NUM_CLASSES, 4), np.float32)
        finished = self._mean(frames)
        self._sum, self._activity = self._sum[frames:], self._activity[frames:]
        self._weight = self._weight[frames:]
        return finished


def align_tracks(reference: Float32Array, output: Float32Array, weight: Float32Array) -> Float32Array:
    """Reorder an output's tracks, class by class, to lie nearest to a reference in (x, y).

    Args:
        reference: (frames, tracks, classes, 2), the overlap with `output`'s first frames.
        output: (length, tracks, classes, fields), fields x and y first.
        weight: (frames,) of each frame of the overlap.

    Returns:
        `output` with reordered tracks; where several orders are equally near, the tracks stay in place.
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
