"""The numbers that the fusion of sound and picture runs on: fitted by scripts/fit_fusion.py, shipped as JSON."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError, model_validator

from earwitness.core.errors import ModelError
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.schema import StrictModel, first_problem
from earwitness.core.vocabulary import NUM_CLASSES

KINDS: Final = ("person", "motion", "thing")
"""People; regions of which is only known that they move; things that a detector named by their class."""


class KindWeights(StrictModel):
    """How one kind of candidate speaks for itself: log-odds against "none of them", class by class.

    Attributes:
        bias: (classes,) log-odds at no motion and a score of 0.5, before the angle is looked at.
        motion: (classes,) added for a candidate that moves all the time while it sounds (0..1 of it otherwise).
        contrast: (classes,) added when it moves while it sounds and rests while it does not.
        score: added for each unit of the detector's log-odds.
        sigma_deg: uncertainty of its direction, besides a share of its width.
        framed: log-odds that the place that sounds is in the picture and not above or below: always, and for each unit
            of `Evidence.framing`.
    """

    bias: tuple[float, ...]
    motion: tuple[float, ...] = (0.0,) * NUM_CLASSES
    contrast: tuple[float, ...] = (0.0,) * NUM_CLASSES
    score: float = 0.0
    sigma_deg: float = Field(default=3.0, gt=0)
    framed: tuple[float, float, float, float] = (6.0, 0.0, 0.0, 0.0)

    @model_validator(mode="after")
    def _one_a_class(self) -> KindWeights:
        for name in ("bias", "motion", "contrast"):
            if len(getattr(self, name)) != NUM_CLASSES:
                raise ValueError(f"{name}: {NUM_CLASSES} numbers, one a class")
        return self


class DistanceWeights(StrictModel):
    """How true distances are, as far as they are heard and as far as a person's size in the picture tells them.

    Attributes:
        heard_short: how much nearer sounds are said to be than they are, as a logarithm: a model that is unsure does
            so, since to say twice as far costs it more than to say half as far.
        heard_spread: standard deviation of the logarithm of what is heard, about that.
        seen_spread: standard deviation of the logarithm of what is seen.
    """

    heard_short: float = 0.0
    heard_spread: float = Field(gt=0)
    seen_spread: float = Field(gt=0)


class FusionSettings(StrictModel):
    """All numbers of the fusion.

    Attributes:
        version: of this file's meaning.
        fitted_on: what they come from.
        sigma_deg: (classes,) uncertainty of a sound's direction, degrees.
        outward: share p and share a degree q by which sounds are heard farther out than they are: from azimuth a at
            a + a (p - q |a|) on average.
        elsewhere: where sounds that nothing seen explains are heard; see `fusion.posterior`.
        miss_deg: what an azimuth more than 20 degrees wrong costs besides its error; see `fusion.posterior.least_loss`.
        caution: how many times as much it counts, when azimuth and distance are chosen, that nothing seen is the cause:
            what was heard right must not be moved away.
        reach_deg: how far beyond the picture's edge a sound may be heard and still be taken for one in the picture.
        onscreen_from: probability from which a sound is said to be on screen.
        width_share: share of a candidate's width that its direction is uncertain by.
        window_frames: label frames on each side that a frame's evidence is averaged over.
        kinds: weights of each of `KINDS`.
        unseen_on: (classes,) probability that a sound that nothing seen explains is on screen, when the model says on.
        unseen_off: (classes,) the same, when the model says off.
        distance: of distances; None leaves them as they are heard.
    """

    version: int = 1
    fitted_on: str = ""
    sigma_deg: tuple[float, ...]
    outward: tuple[float, float] = (0.0, 0.0)
    elsewhere: tuple[float, float] = (0.0, 0.0)
    miss_deg: float = Field(default=0.0, ge=0)
    caution: float = Field(default=1.0, ge=1)
    reach_deg: float = Field(default=0.0, ge=0)
    onscreen_from: float = Field(default=0.5, gt=0, lt=1)
    width_share: float = Field(default=0.15, ge=0)
    window_frames: int = Field(default=10, ge=0, le=100_000)
    kinds: dict[str, KindWeights]
    unseen_on: tuple[float, ...]
    unseen_off: tuple[float, ...]
    distance: DistanceWeights | None = None

    @model_validator(mode="after")
    def _complete(self) -> FusionSettings:
        if set(self.kinds) != set(KINDS):
            raise ValueError(f"kinds: {', '.join(KINDS)}")
        for name in ("sigma_deg", "unseen_on", "unseen_off"):
            if len(getattr(self, name)) != NUM_CLASSES:
                raise ValueError(f"{name}: {NUM_CLASSES} numbers, one a class")
        if min(self.sigma_deg) <= 0:
            raise ValueError("sigma_deg: above 0")
        return self


def read_settings(path: str | Path) -> FusionSettings:
    """Read a settings file.

    Raises:
        ModelError: missing or not such a file.
    """
    try:
        return FusionSettings.model_validate_json(read_bytes(path, CARD_BYTES, ModelError))
    except ValidationError as error:
        raise ModelError(f"{path}: not usable as settings of the fusion: {first_problem(error)}") from None


@cache
def default_settings() -> FusionSettings:
    """The settings that ship with earwitness."""
    text = (files("earwitness") / "assets" / "vision" / "fusion.json").read_text(encoding="utf-8")
    return FusionSettings.model_validate_json(text)
