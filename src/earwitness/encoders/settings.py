"""What users can choose of an encoder: part of its fingerprint, and stored beside the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, field_validator

from earwitness.errors import RecipeError
from earwitness.schema import StrictModel

SoundChannel = Literal["M", "S", "L", "R"]
"""M = (L + R) / 2 has no direction, nor has S = (L - R) / 2; L and R face left and right."""
CHANNEL_AZIMUTH: Final[Mapping[SoundChannel, float]] = {"M": nan, "S": nan, "L": 90.0, "R": -90.0}


class EncoderSettings(StrictModel):
    """Settings of an encoder; frozen, and unknown names are an error."""

    @classmethod
    def of(cls, values: object) -> Self:
        """Settings from a mapping of names to values, as a recipe or a store holds them.

        Raises:
            RecipeError: an unknown name, or a value that will not do.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "settings"
            if first["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields) or "none"
                raise RecipeError(f"encoder setting '{where}': there is no such setting; there are: {known}") from None
            raise RecipeError(f"encoder setting '{where}': {first['msg']}") from None


class SoundSettings(EncoderSettings):
    """Settings of all sound encoders.

    Attributes:
        channels: what is encoded, each on its own.
    """

    channels: tuple[SoundChannel, ...] = Field(default=("M",), min_length=1)

    @field_validator("channels", mode="before")
    @classmethod
    def _from_text(cls, channels: object) -> object:
        return channels.split(",") if isinstance(channels, str) else channels

    @field_validator("channels")
    @classmethod
    def _no_channel_twice(cls, channels: tuple[SoundChannel, ...]) -> tuple[SoundChannel, ...]:
        if len(set(channels)) != len(channels):
            raise ValueError("a channel is named twice")
        if ("L" in channels) != ("R" in channels):
            raise ValueError("L and R only go together, so that left and right can be exchanged")
        return channels
