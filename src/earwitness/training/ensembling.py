"""Weights of an ensemble's members, tuned on a validation set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.events import EventTable
from earwitness.inference.ensemble import align, combine, weighted_mean
from earwitness.training.validate import THRESHOLDS, score_outputs

FACTORS: Final = (0.0, 0.5, 2.0)
"""What the search multiplies a weight by."""
ROUNDS: Final = 2
LEAST_GAIN: Final = 1e-4
"""Gains in F20/1 below this are not worth leaving equal weights for."""

Fields = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TunedWeights:
    """What the search found.

    Attributes:
        weights: (members,), summing to 1.
        equal_f_score: macro F20/1 of equal weights on the same clips.
        f_score: of these.
    """

    weights: tuple[float, ...]
    equal_f_score: float
    f_score: float


def combine_clips(outputs: Sequence[Fields], weights: Sequence[float] | None = None) -> Fields:
    """The ensemble's fields of many clips: members of (N, T, 3, 13, 4) -> the same; clip by clip, to bound memory."""
    return np.stack([combine(clip, weights) for clip in zip(*outputs, strict=True)])


def tune_weights(outputs: Sequence[Fields], references: Sequence[EventTable]) -> TunedWeights:
    """Search weights, one member at a time, from equal ones on.

    The score is strict macro F20/1 at the best common threshold. Tracks are matched once, for equal weights.

    Args:
        outputs: of each member (N, T, 3, 13, 4), on clips that no member was trained on.
        references: N tables.
    """
    aligned = [align(clip) for clip in zip(*outputs, strict=True)]

    def f_score(weights: NDArray[np.float64]) -> float:
        mean = np.stack([weighted_mean(clip, weights) for clip in aligned])
        return max(score_outputs(mean, references, threshold).macro.f_score for threshold in THRESHOLDS)

    weights = np.ones(len(outputs))
    equal = best = f_score(weights)
    for _ in range(ROUNDS if len(outputs) > 1 else 0):
        before = best
        for member in range(len(outputs)):
            for factor in FACTORS:
                tried = weights.copy()
                tried[member] *= factor
                if tried.sum() <= 0 or np.array_equal(tried, weights):
                    continue
                score = f_score(tried)
                if score > best + LEAST_GAIN:
                    weights, best = tried, score
        if best == before:
            break
    return TunedWeights(tuple((weights / weights.sum()).tolist()), equal, best)
