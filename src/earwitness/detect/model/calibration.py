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

STEPS: Final = tuple(step / 10 for step in range(11))
"""Activities at which the probability of any sound has its values."""
_Share = Annotated[float, Field(ge=0, le=1)]
Probabilities = Annotated[tuple[_Share, ...], Field(min_length=len(STEPS), max_length=len(STEPS))]
LEAST_OTHER: Final = 1e-3
"""Added to the tagger's probabilities, whose logarithm would have no limit."""

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


class AnySound(StrictModel):
    """What the class-free track ("something sounds there") is worth, and when a class is doubted.

    Attributes:
        probability: that something sounds in a direction, for activities of the track of 0, 0.1, ..., 1, linear in
            between.
        threshold: probability above which something sounds there, if no class explains it.
        doubt: (3,) an event of the classes is doubted if the sum of 1, the logit of its mean score and the logarithm of
            the tagger's highest probability for another sound, each times its value, is below 0.
    """

    probability: Probabilities = STEPS
    threshold: float = Field(0.5, ge=0, le=1)
    doubt: tuple[float, float, float] = (-0.4, 0.9, -0.25)

    @field_validator("probability")
    @classmethod
    def _rises(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(low > high for low, high in pairwise(values)):
            raise ValueError("must not fall")
        return values

    def of(self, activity: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities of activities of the track."""
        return np.asarray(np.interp(activity, STEPS, self.probability), dtype=np.float32)

    def doubts(self, score: float, other: float) -> bool:
        """Whether an event of the classes is doubted.

        Args:
            score: its mean score.
            other: the tagger's highest probability for another sound.
        """
        offset, by_score, by_other = self.doubt
        return offset + by_score * float(logit(np.float64(score))) + by_other * float(np.log(other + LEAST_OTHER)) < 0


def logit(activity: NDArray[np.floating] | np.floating) -> NDArray[np.float64]:
    """ln(a / (1 - a)), finite at 0 and 1."""
    inside = np.clip(np.asarray(activity, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))
