"""What users can choose of an encoder: part of its fingerprint, and stored beside the tokens."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from earwitness.encoders.protocol import SoundChannel
from earwitness.errors import RecipeError


class EncoderSettings(BaseModel):
    """Settings of an encoder; frozen, and unknown names are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
            raise RecipeError(f"encoder setting '{where}': {first['msg']}") from None


class SoundSettings(EncoderSettings):
    """Settings of all sound encoders.

    Attributes:
        channels: what is encoded, each on its own.
    """

    channels: tuple[SoundChannel, ...] = Field(default=("M",), min_length=1)

    @field_validator("channels")
    @classmethod
    def _no_channel_twice(cls, channels: tuple[SoundChannel, ...]) -> tuple[SoundChannel, ...]:
        if len(set(channels)) != len(channels):
            raise ValueError("a channel is named twice")
        if ("L" in channels) != ("R" in channels):
            raise ValueError("L and R only go together, so that left and right can be exchanged")
        return channels
