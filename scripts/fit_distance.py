"""How true distances are, heard and seen, on calibration clips; part of scripts/fit_fusion.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from measure_fusion import Clip, matched
from numpy.typing import NDArray

from earwitness.core.vocabulary import CLASSES
from earwitness.fusion.fusion_settings import DistanceWeights

REACH_DEG = 6.0
"""A person this near to the direction of a sound that is on screen is taken for its cause."""
Array = NDArray[np.float64]


def fit_distance(clips: Sequence[Clip]) -> DistanceWeights:
    """Count the errors, as logarithms, of sounds on screen at whose direction somebody of known distance is seen.

    Spreads are half of what lies between the 16th and the 84th percentile: for good measures, that is their standard
    deviation, and outliers do not count.
    """
    weight, heard, seen = np.array([row for clip in clips for row in errors(clip)]).T
    low, middle, high = np.quantile(heard, [0.16, 0.5, 0.84], weights=weight, method="inverted_cdf")
    below, above = np.quantile(seen, [0.16, 0.84], weights=weight, method="inverted_cdf")
    made = DistanceWeights(
        heard_short=round(-float(middle), 3),
        heard_spread=round(float(high - low) / 2, 3),
        seen_spread=round(float(above - below) / 2, 3),
    )
    print(f"distances of {len(heard)} frames: {made}")
    return made


def errors(clip: Clip) -> Iterator[tuple[float, float, float]]:
    """How often it counts, and the errors of what is heard and of what is seen."""
    clip = replace(clip, heard=clip.heard.sorted())
    for row, reference in zip(*matched(clip), strict=True):
        true = float(clip.truth.distance[reference])
        heard, seen = float(clip.heard.distance[row]), seen_distance(clip, reference)
        if clip.truth.onscreen[reference] and heard > 0 and np.isfinite(seen):
            yield clip.weight, float(np.log(heard / true)), float(np.log(seen / true))


def seen_distance(clip: Clip, row: int) -> float:
    """Distance, metres, that the size of who is seen at the direction of a reference tells; NaN where nobody is."""
    frame, index = int(clip.truth.frame[row]), int(clip.truth.class_index[row])
    best, nearest = float("nan"), REACH_DEG
    for one in clip.candidates:
        if one.may_make(CLASSES[index]) and one.start <= frame < one.stop:
            apart = abs(float(one.azimuth[index, frame - one.start]) - float(clip.truth.azimuth[row]))
            distance = float(one.distance[index, frame - one.start])
            if apart < nearest and np.isfinite(distance):
                best, nearest = distance, apart
    return best
