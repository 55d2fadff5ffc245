"""Share of labels found, by bins of a known condition such as the signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.core.geometry import fold
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.matching import match
from earwitness.metrics.protocols import AZIMUTH_THRESHOLD_DEG, RELATIVE_DISTANCE_THRESHOLD

FloatArray = NDArray[np.float64]

RESAMPLES: Final = 1000


def recall_by_bin(
    clips: Sequence[LabelRows], events: Sequence[EventTable], bins: Sequence[NDArray[np.int64]], n: int
) -> dict[str, Any]:
    """Share of the labels found and mean errors of the predictions in each bin, with 95 % bootstrap intervals.

    Args:
        clips: labels of each clip.
        events: predictions for each clip.
        bins: bin of each label row of each clip.
        n: number of bins.
    """
    sums = np.zeros((len(clips), n, 5))
    for number, (rows, table, own) in enumerate(zip(clips, events, bins, strict=True)):
        predictions = LabelRows.from_table(table)
        cells = (side.frame * len(side.vocabulary) + side.class_index for side in (rows, predictions))
        cell_r, cell_p = cells
        az_r, az_p = (fold(side.azimuth).astype(np.float64) for side in (rows, predictions))
        pairs = match(cell_r, az_r, cell_p, az_p)
        angle = np.abs(az_r[pairs.reference] - az_p[pairs.prediction])
        true = np.maximum(rows.distance_cm[pairs.reference], 1)
        relative = np.abs(true - predictions.distance_cm[pairs.prediction]) / true
        found = (angle <= AZIMUTH_THRESHOLD_DEG) & (relative <= RELATIVE_DISTANCE_THRESHOLD)
        where = own[pairs.reference]
        sums[number, :, 0] = np.bincount(own, minlength=n)
        for column, values in enumerate((found, np.ones_like(angle), angle, relative), start=1):
            sums[number, :, column] = np.bincount(where, values, n)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(clips), np.full(len(clips), 1 / len(clips)), size=RESAMPLES)
    samples = np.einsum("sc,cbk->sbk", weights.astype(np.float64), sums)
    return {
        "labels": sums[:, :, 0].sum(axis=0).tolist(),
        **{
            name: _ratio(sums.sum(axis=0), samples, top, below)
            for name, top, below in (("found", 1, 0), ("doa_error_deg", 3, 2), ("relative_distance_error", 4, 2))
        },
    }


def _ratio(total: FloatArray, samples: FloatArray, top: int, below: int) -> list[list[float]]:
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.nan_to_num(samples[:, :, top] / samples[:, :, below], nan=0.0)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        found: list[list[float]] = np.stack([total[:, top] / total[:, below], low, high], axis=1).tolist()
    return found
