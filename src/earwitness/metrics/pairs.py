"""Matched pairs themselves, for pictures of where errors are; scores need only their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.classes import NUM_CLASSES
from earwitness.data.dcase_csv import LabelRows
from earwitness.geometry import fold
from earwitness.metrics.matching import match
from earwitness.metrics.protocols import Protocol, scored_rows


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What was said and what was heard, one entry a matched pair.

    Attributes:
        class_index: (n,).
        azimuth, answered_azimuth: (n,) degrees, folded.
        distance_cm, answered_distance_cm: (n,).
    """

    class_index: NDArray[np.int64]
    azimuth: NDArray[np.float64]
    answered_azimuth: NDArray[np.float64]
    distance_cm: NDArray[np.float64]
    answered_distance_cm: NDArray[np.float64]


def matched_pairs(
    references: Sequence[LabelRows], predictions: Sequence[LabelRows | None], protocol: Protocol = Protocol.STRICT
) -> Pairs:
    """The pairs that `count` counts; arguments as there."""
    refs, preds = scored_rows(references, predictions, protocol)
    span = 1 + max((int(side.rows.frame.max()) for side in (refs, preds) if side.clip.size), default=0)
    cell_r, cell_p = (
        (side.clip * span + side.rows.frame) * NUM_CLASSES + side.rows.class_index for side in (refs, preds)
    )
    azimuth_r, azimuth_p = (fold(side.rows.azimuth).astype(np.float64, copy=False) for side in (refs, preds))
    matches = match(cell_r, azimuth_r, cell_p, azimuth_p)
    return Pairs(
        refs.rows.class_index[matches.reference],
        azimuth_r[matches.reference],
        azimuth_p[matches.prediction],
        refs.rows.distance_cm[matches.reference],
        preds.rows.distance_cm[matches.prediction],
    )
