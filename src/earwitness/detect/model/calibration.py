"""Makes a model's numbers mean what they say: activities become probabilities, places lose their bias."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from earwitness.core.multi_accddoa import DISTANCE, X, Y
from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import NUM_CLASSES

_Offset = Annotated[float, Field(ge=-1e4, le=1e4)]
_Slope = Annotated[float, Field(gt=0, le=1e4)]
PerClass = Annotated[tuple[_Offset, ...], Field(min_length=NUM_CLASSES, max_length=NUM_CLASSES)]
PerClassPositive = Annotated[tuple[_Slope, ...], Field(min_length=NUM_CLASSES, max_length=NUM_CLASSES)]

IDENTITY: Final = tuple(float(angle) for angle in range(0, 91, 10))
"""Degrees at which maps of the azimuth have their values."""
_Angle = Annotated[float, Field(ge=0, le=90)]
Angles = Annotated[tuple[_Angle, ...], Field(min_length=len(IDENTITY), max_length=len(IDENTITY))]

_EDGE: Final = 1e-4
"""Activities are taken to be at least this far from 0 and 1, where the logit is infinite."""


class Calibration(StrictModel):
    """Monotone maps of each class's activity and of the azimuth, a factor of all distances; defaults change nothing.

    The probability that a class sounds in a frame is sigmoid(slope * logit(activity) + offset).

    Source: Platt 1999, "Probabilistic outputs for support vector machines", on logits of the activity.

    Attributes:
        slope: (classes,) above 0, so that the order of activities stays.
        offset: (classes,).
        distance: what distances are multiplied by.
        azimuth: where answers of 0, 10, ..., 90 degrees to the side truly are, straight between; left as right.
    """

    slope: PerClassPositive = (1.0,) * NUM_CLASSES
    offset: PerClass = (0.0,) * NUM_CLASSES
    distance: float = Field(1.0, gt=0, le=1000)
    azimuth: Angles = IDENTITY

    @field_validator("azimuth")
    @classmethod
    def _rises(cls, angles: tuple[float, ...]) -> tuple[float, ...]:
        if angles[0] != 0 or angles[-1] > 90 or any(low >= high for low, high in pairwise(angles)):
            raise ValueError("must begin with 0 and rise to at most 90")
        return angles

    def probability(self, activity: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities of activities (..., classes)."""
        z = np.asarray(self.slope) * logit(activity) + np.asarray(self.offset)
        return np.asarray(1 / (1 + np.exp(-z)))

    def apply(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs (..., 3, classes, 4) whose vectors are as long as their class is probable, with corrected places.

        Where nothing is to be changed, outputs come back as they are.
        """
        if self == Calibration():
            return output
        length = np.hypot(output[..., X], output[..., Y])
        factor = self.probability(length) / np.maximum(length, _EDGE)
        changed = output.copy()
        changed[..., : Y + 1] *= factor[..., None].astype(np.float32)
        changed[..., DISTANCE] *= np.float32(self.distance)
        if self.azimuth != IDENTITY:
            self._turn(changed)
        return changed

    def _turn(self, output: NDArray[np.float32]) -> None:
        """Turn the vectors of outputs (..., 4) in place."""
        x, y = output[..., X], output[..., Y]
        length, side = np.hypot(x, y), np.sign(y)
        turned = np.radians(np.interp(np.degrees(np.arctan2(np.abs(y), x)), IDENTITY, self.azimuth))
        output[..., X], output[..., Y] = length * np.cos(turned), length * np.sin(turned) * side


def logit(activity: NDArray[np.floating]) -> NDArray[np.float64]:
    """ln(a / (1 - a)), finite at the ends."""
    inside = np.clip(np.asarray(activity, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))
