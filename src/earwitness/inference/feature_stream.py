"""Features of a stream of sound: what the whole sound would have, block by block, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from earwitness.features import FeatureExtractor

Float32Array = NDArray[np.float32]


def feature_blocks(
    stereo: Iterable[Float32Array], extractor: FeatureExtractor, block_label_frames: int = 25
) -> Iterator[Float32Array]:
    """Features of a sound that comes in blocks.

    The number of label frames is the sound's length rounded to the nearest, and at least one: a rest of half a label
    frame or more is filled up with silence, a shorter one left out.

    Args:
        stereo: blocks (2, n) of any lengths at the extractor's rate.
        block_label_frames: how much is extracted at once, at least.

    Yields:
        (C, T, bands), T whole label frames; nothing for a sound without samples.
    """
    unit, context = extractor.config.label_samples, extractor.context_samples
    held = np.zeros((2, 0), np.float32)
    left = 0  # samples of `held` that have had their features and serve as context
    for block in stereo:
        held = np.concatenate([held, block], axis=1)
        ready = (held.shape[1] - left - context) // unit * unit
        if ready >= block_label_frames * unit:
            yield extractor.extract(held[:, : left + ready + context], left=left, right=context)
            keep = min(context, left + ready)
            held, left = held[:, left + ready - keep :], keep
    rest = held.shape[1] - left
    whole = (rest + unit // 2) // unit * unit
    if rest and not whole and not left:
        whole = unit
    if whole > rest:
        held = np.pad(held, ((0, 0), (0, whole - rest)))
    if whole:
        yield extractor.extract(held, left=left, right=held.shape[1] - left - whole)
