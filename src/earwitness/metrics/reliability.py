"""Reliability of probabilities: predicted probability against observed frequency, and the calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10
LEAST: Final = 0.05
"""Lower probabilities are left out of the calibration error: nearly all cells are inactive and easy to predict."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Probabilities in bins of equal width.

    Attributes:
        predicted: (bins,) mean predicted probability; NaN in empty bins.
        observed: (bins,) observed frequency; NaN in empty bins.
        count: (bins,) number of predictions.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, probability: NDArray[np.float64], truth: NDArray[np.bool_], bins: int = BINS) -> Reliability:
        """Bin probabilities of any shape, with truth of the same shape."""
        place = np.minimum((probability.ravel() * bins).astype(np.int64), bins - 1)
        count = np.bincount(place, minlength=bins)
        with np.errstate(invalid="ignore"):
            predicted = np.bincount(place, probability.ravel(), bins) / count
            observed = np.bincount(place, truth.ravel().astype(np.float64), bins) / count
        return cls(predicted, observed, count)

    @property
    def error(self) -> float:
        """Expected calibration error: mean of |predicted - observed| over all predictions; NaN if there are none.

        Source: Naeini, Cooper & Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning".
        """
        if not self.count.sum():
            return float("nan")
        return float(np.nansum(np.abs(self.predicted - self.observed) * self.count) / self.count.sum())


def expected_calibration_error(
    probability: NDArray[np.float64], truth: NDArray[np.bool_], least: float = LEAST
) -> float:
    """Expected calibration error of probabilities of at least `least`; NaN if there are none."""
    kept = probability >= least
    return Reliability.of(probability[kept], truth[kept]).error
