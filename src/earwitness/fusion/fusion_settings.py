"""Settings of the fusion of sound and pictures: fitted by scripts/fit_fusion.py, shipped as JSON."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Final

from pydantic import Field, ValidationError, model_validator

from earwitness.core.errors import ModelError
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.schema import StrictModel, first_problem
from earwitness.core.vocabulary import DCASE2025, SoundClass, Vocabulary

KINDS: Final = ("person", "motion", "thing")
"""People; moving regions; objects that a detector assigned to a class."""


class KindWeights(StrictModel):
    """Weights of one kind of candidate: log-odds against "none of the candidates", class by class.

    Attributes:
        bias: (classes,) log-odds without motion, at a score of 0.5, without the angle.
        motion: (classes,) added in proportion to the share (0..1) of the event with motion.
        contrast: (classes,) added in proportion to `Evidence.contrast`.
        score: added per unit of the detector's log-odds.
        sigma_deg: uncertainty of its direction, in addition to a share of its width.
        framed: log-odds that the sounding part is not above or below the picture: a constant, and a weight for each
            column of `Evidence.framing`.
    """

    bias: tuple[float, ...]
    motion: tuple[float, ...] = (0.0,) * len(DCASE2025)
    contrast: tuple[float, ...] = (0.0,) * len(DCASE2025)
    score: float = 0.0
    sigma_deg: float = Field(default=3.0, gt=0)
    framed: tuple[float, float, float, float] = (6.0, 0.0, 0.0, 0.0)

    @model_validator(mode="after")
    def _one_per_class(self) -> KindWeights:
        for name in ("bias", "motion", "contrast"):
            if len(getattr(self, name)) != len(DCASE2025):
                raise ValueError(f"{name}: give {len(DCASE2025)} numbers, one per class")
        return self


class DistanceWeights(StrictModel):
    """Accuracy of the distances from sound and from the size of people in the picture.

    Attributes:
        heard_short: bias of the distances from sound, as a logarithm: positive if they are too short. A model trained
            on relative errors tends to answer too short, because the double distance costs more than half of it.
        heard_spread: standard deviation of the logarithm of the distances from sound, without the bias.
        seen_spread: standard deviation of the logarithm of the distances by size.
    """

    heard_short: float = 0.0
    heard_spread: float = Field(gt=0)
    seen_spread: float = Field(gt=0)


class FusionSettings(StrictModel):
    """All settings of the fusion.

    Attributes:
        version: version of the settings format.
        fitted_on: data that the settings were fitted on.
        sigma_deg: (classes,) uncertainty of the azimuth from sound, degrees.
        outward: outward bias (p, q) of the azimuth from sound: a source at azimuth a is detected at a + a (p - q |a|)
            on average.
        elsewhere: azimuth distribution of sounds without a visible cause; see `fusion.posterior`.
        miss_deg: additional loss of an azimuth more than 20 degrees wrong; see `fusion.posterior.least_loss`.
        caution: factor of the probability of "none" when azimuth and distance are chosen, so that correct values are
            rarely changed.
        reach_deg: largest angle beyond the edge of the picture at which a sound can still be assigned to a candidate.
        onscreen_from: probability from which an event is on screen.
        width_share: uncertainty of a candidate's direction, as a share of its width.
        window_frames: label frames on each side over which the evidence is averaged.
        kinds: weights of each of `KINDS`.
        unseen_on: (classes,) probability that an unexplained sound is on screen if the model says on.
        unseen_off: (classes,) the same if the model says off.
        distance: weights of the distances; None: keep the distances from sound.
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
            raise ValueError(f"kinds: give exactly {', '.join(KINDS)}")
        for name in ("sigma_deg", "unseen_on", "unseen_off"):
            if len(getattr(self, name)) != len(DCASE2025):
                raise ValueError(f"{name}: give {len(DCASE2025)} numbers, one per class")
        if min(self.sigma_deg) <= 0:
            raise ValueError("sigma_deg: must be above 0")
        return self

    def of(self, vocabulary: Vocabulary) -> FusionSettings:
        """The settings for another vocabulary.

        A class of DCASE2025 keeps its values; another one gets the medians of those classes that the same part of a
        person, or no person, makes.
        """
        if vocabulary.slugs == DCASE2025.slugs:
            return self
        like = [_similar(one) for one in vocabulary]

        def chosen(values: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(float(median([values[index] for index in indices])) for indices in like)

        kinds = {
            name: kind.model_copy(update={key: chosen(getattr(kind, key)) for key in ("bias", "motion", "contrast")})
            for name, kind in self.kinds.items()
        }
        per_class = {name: chosen(getattr(self, name)) for name in ("sigma_deg", "unseen_on", "unseen_off")}
        return self.model_copy(update={**per_class, "kinds": kinds})


def _similar(sound_class: SoundClass) -> list[int]:
    """Indices of the default classes whose values a class gets: its own, or those that are made in the same way."""
    known = DCASE2025.find(sound_class.slug)
    if known is not None:
        return [known.index]
    return [one.index for one in DCASE2025 if one.made_by == sound_class.made_by]


def read_settings(path: str | Path) -> FusionSettings:
    """Read a settings file.

    Raises:
        ModelError: the file is missing or invalid.
    """
    try:
        return FusionSettings.model_validate_json(read_bytes(path, CARD_BYTES, ModelError))
    except ValidationError as error:
        raise ModelError(f"{path}: not usable as fusion settings: {first_problem(error)}") from None


@cache
def default_settings() -> FusionSettings:
    """The settings shipped with earwitness."""
    text = (files("earwitness") / "assets" / "vision" / "fusion.json").read_text(encoding="utf-8")
    return FusionSettings.model_validate_json(text)
