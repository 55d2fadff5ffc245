"""Distances of sound and sight together: as far as a person who is seen is likely to be heard, their size counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.inference.fusion_settings import DistanceWeights

FloatArray = NDArray[np.float64]


def merged_distance(
    heard: FloatArray, seen: FloatArray, each: FloatArray, weights: DistanceWeights | None
) -> FloatArray:
    """Distances (n,) in metres.

    Of each candidate whose size tells its distance, the logarithms of both senses are averaged by their precision; the
    result is that of least expected relative error, the median of a log-normal distribution weighted by 1 / distance.
    It counts by the probability that this candidate is the cause; what is heard counts for the rest.

    Args:
        heard: (n,) metres; NaN where unknown, and then it stays unknown.
        seen: (m, n) metres; NaN where unknown.
        each: (m, n) probabilities that a candidate is the cause.
        weights: how true both are; None leaves all as it is heard.
    """
    if weights is None:
        return heard
    variance = 1 / (1 / weights.heard_spread**2 + 1 / weights.seen_spread**2)
    known = heard > 0
    level = np.log(np.where(known, heard, 1.0))
    both = (level + weights.heard_short) / weights.heard_spread**2 + np.log(seen) / weights.seen_spread**2
    change = variance * both - variance - level
    return np.where(known, heard * np.exp((each * np.nan_to_num(change)).sum(axis=0)), heard)
