"""Calibration of model outputs: activities become probabilities, and azimuth and distance lose their bias."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from earwitness.core.multi_accddoa import DISTANCE, X, Y
from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025

_Offset = Annotated[float, Field(ge=-1e4, le=1e4)]
_Slope = Annotated[float, Field(gt=0, le=1e4)]
PerClass = tuple[_Offset, ...]
PerClassPositive = tuple[_Slope, ...]

IDENTITY: Final = tuple(float(angle) for angle in range(0, 91, 10))
"""Azimuths (degrees) at which the azimuth map has its values."""
_Angle = Annotated[float, Field(ge=0, le=90)]
Angles = Annotated[tuple[_Angle, ...], Field(min_length=len(IDENTITY), max_length=len(IDENTITY))]

_EDGE: Final = 1e-4
"""Activities are clipped to this distance from 0 and 1, where the logit is infinite."""


class Calibration(StrictModel):
    """Monotone maps of each class's activity and of the azimuth, and a distance factor; the defaults change nothing.

    The probability that a class is active in a frame is sigmoid(slope * logit(activity) + offset).

    Source: Platt 1999, "Probabilistic outputs for support vector machines", on logits of the activity.

    Attributes:
        slope: (classes,) above 0, so that the map is monotone.
        offset: (classes,).
        distance: factor of all distances.
        azimuth: calibrated values for outputs of 0, 10, ..., 90 degrees, linear in between, symmetric to the left.
    """

    slope: PerClassPositive = (1.0,) * len(DCASE2025)
    offset: PerClass = (0.0,) * len(DCASE2025)
    distance: float = Field(1.0, gt=0, le=1000)
    azimuth: Angles = IDENTITY

    @field_validator("azimuth")
    @classmethod
    def _rises(cls, angles: tuple[float, ...]) -> tuple[float, ...]:
        if angles[0] != 0 or angles[-1] > 90 or any(low >= high for low, high in pairwise(angles)):
            raise ValueError("must start with 0 and increase to at most 90")
        return angles

    @model_validator(mode="after")
    def _one_value_per_class(self) -> Calibration:
        if not len(self.slope) == len(self.offset) > 0:
            raise ValueError(f"slope has {len(self.slope)} values and offset {len(self.offset)}; give one per class")
        return self

    def probability(self, activity: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities of activities (..., classes)."""
        z = np.asarray(self.slope) * logit(activity) + np.asarray(self.offset)
        return np.asarray(1 / (1 + np.exp(-z)))

    def apply(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrate outputs (..., 3, classes, 4): vector lengths become probabilities, places are corrected.

        Returns the same array if this calibration changes nothing.
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
        """Correct the azimuth of outputs (..., 4) in place."""
        x, y = output[..., X], output[..., Y]
        length, side = np.hypot(x, y), np.sign(y)
        turned = np.radians(np.interp(np.degrees(np.arctan2(np.abs(y), x)), IDENTITY, self.azimuth))
        output[..., X], output[..., Y] = length * np.cos(turned), length * np.sin(turned) * side


def logit(activity: NDArray[np.floating]) -> NDArray[np.float64]:
    """ln(a / (1 - a)), finite at 0 and 1."""
    inside = np.clip(np.asarray(activity, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))
