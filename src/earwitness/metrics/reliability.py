"""Whether scores are probabilities: how often what was said with a probability is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10
LEAST: Final = 0.05
"""Probabilities below are left out of the calibration error: nearly all cells are silent, and saying so is easy."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Probabilities in equal bins.

    Attributes:
        said: (bins,) mean probability of each; NaN where a bin is empty.
        true: (bins,) share that was true; likewise.
        count: (bins,).
    """

    said: NDArray[np.float64]
    true: NDArray[np.float64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, probability: NDArray[np.float64], truth: NDArray[np.bool_], bins: int = BINS) -> Reliability:
        """Sort probabilities (any shape) and what came true (same shape) into bins."""
        place = np.minimum((probability.ravel() * bins).astype(np.int64), bins - 1)
        count = np.bincount(place, minlength=bins)
        with np.errstate(invalid="ignore"):
            said = np.bincount(place, probability.ravel(), bins) / count
            true = np.bincount(place, truth.ravel().astype(np.float64), bins) / count
        return cls(said, true, count)

    @property
    def error(self) -> float:
        """Expected calibration error: mean of |said - true| over all that was said; NaN where nothing was.

        Source: Naeini, Cooper & Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning".
        """
        if not self.count.sum():
            return float("nan")
        return float(np.nansum(np.abs(self.said - self.true) * self.count) / self.count.sum())


def expected_calibration_error(
    probability: NDArray[np.float64], truth: NDArray[np.bool_], least: float = LEAST
) -> float:
    """Expected calibration error of the probabilities from `least` on; NaN where there are none."""
    said = probability >= least
    return Reliability.of(probability[said], truth[said]).error
