"""Makes a model's numbers mean what they say: activities become probabilities, distances lose their bias."""

from __future__ import annotations

from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from earwitness.core.multi_accddoa import DISTANCE, X, Y
from earwitness.core.vocabulary import NUM_CLASSES

PerClass = Annotated[tuple[float, ...], Field(min_length=NUM_CLASSES, max_length=NUM_CLASSES)]
PerClassPositive = Annotated[tuple[PositiveFloat, ...], Field(min_length=NUM_CLASSES, max_length=NUM_CLASSES)]

_EDGE: Final = 1e-4
"""Activities are taken to be at least this far from 0 and 1, where the logit is infinite."""


class Calibration(BaseModel):
    """A monotone map of each class's activity, and a factor of all distances; the defaults change nothing.

    The probability that a class sounds in a frame is sigmoid(slope * logit(activity) + offset).

    Source: Platt 1999, "Probabilistic outputs for support vector machines", on logits of the activity.

    Attributes:
        slope: (classes,) above 0, so that the order of activities stays.
        offset: (classes,).
        distance: what distances are multiplied by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: PerClassPositive = (1.0,) * NUM_CLASSES
    offset: PerClass = (0.0,) * NUM_CLASSES
    distance: PositiveFloat = 1.0

    def probability(self, activity: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities of activities (..., classes)."""
        z = np.asarray(self.slope) * logit(activity) + np.asarray(self.offset)
        return np.asarray(1 / (1 + np.exp(-z)))

    def apply(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs (..., 3, classes, 4) whose vectors are as long as their class is probable, with corrected distances.

        Where nothing is to be changed, outputs come back as they are.
        """
        if self == Calibration():
            return output
        length = np.hypot(output[..., X], output[..., Y])
        factor = self.probability(length) / np.maximum(length, _EDGE)
        changed = output.copy()
        changed[..., : Y + 1] *= factor[..., None].astype(np.float32)
        changed[..., DISTANCE] *= np.float32(self.distance)
        return changed


def logit(activity: NDArray[np.floating]) -> NDArray[np.float64]:
    """ln(a / (1 - a)), finite at the ends."""
    inside = np.clip(np.asarray(activity, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))
