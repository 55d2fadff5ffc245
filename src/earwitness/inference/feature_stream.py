"""Features of a stream of sound: what the whole sound would have, block by block, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

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
