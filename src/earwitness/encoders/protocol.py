"""What every frozen encoder looks like from outside, whatever network is within.

What users can choose of an encoder: part of its fingerprint, and stored beside the tokens.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import nan
from typing import Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from earwitness.core.errors import UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.schema import StrictModel
from earwitness.encoders.tokens import Modality, TokenMap

SoundChannel = Literal["M", "S", "L", "R"]
"""M = (L + R) / 2 has no direction, nor has S = (L - R) / 2; L and R face left and right."""
CHANNEL_AZIMUTH: Final[Mapping[SoundChannel, float]] = {"M": nan, "S": nan, "L": 90.0, "R": -90.0}


class EncoderSettings(StrictModel):
    """Settings of an encoder; frozen, and unknown names are an error."""

    @classmethod
    def of(cls, values: object) -> Self:
        """Settings from a mapping of names to values, as a recipe or a store holds them.

        Raises:
            UsageError: an unknown name, or a value that will not do.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "settings"
            if first["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields) or "none"
                raise UsageError(f"encoder setting '{where}': there is no such setting; there are: {known}") from None
            raise UsageError(f"encoder setting '{where}': {first['msg']}") from None


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


class Encoder(Protocol):
    """A network with fixed weights that turns a stretch of a video into tokens."""

    @property
    def name(self) -> str:
        """Name in the registry, say "yamnet"."""

    @property
    def modality(self) -> Modality:
        """What it takes."""

    @property
    def dim(self) -> int:
        """Numbers a token."""

    @property
    def settings(self) -> EncoderSettings:
        """What was chosen."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digits: the same if weights, settings and method are, so that tokens may be mixed."""


class SoundEncoder(Encoder, Protocol):
    """Encodes stereo sound."""

    @property
    def channels(self) -> tuple[SoundChannel, ...]:
        """What is encoded, each on its own: the positions of the token map."""

    def encode(self, stereo: NDArray[np.float32], rate: int) -> TokenMap:
        """Encode a stretch of sound.

        Args:
            stereo: (2, n) float32, left then right.
            rate: samples per second.

        Returns:
            (T, channels, D) float32; T depends on the length alone.

        Raises:
            EncoderError: not stereo, empty, or not finite.
        """

    def encode_batch(self, windows: Sequence[NDArray[np.float32]], rate: int) -> list[TokenMap]:
        """Encode several stretches; each has the tokens that `encode` gives it alone, up to rounding."""


class PictureEncoder(Encoder, Protocol):
    """Encodes pictures, each on its own."""

    def encode(
        self, frames: NDArray[np.uint8], times: NDArray[np.float64], horizontal_fov_deg: float = DEFAULT_FOV_DEG
    ) -> TokenMap:
        """Encode pictures; what they are batched with makes no difference beyond rounding.

        Args:
            frames: (N, H, W, 3) uint8, red, green, blue, square pixels, upright.
            times: (N,) seconds, rising.
            horizontal_fov_deg: field of view over the width; decides the directions, not the tokens.

        Returns:
            (N, P, D) float32 with the direction of each position.

        Raises:
            EncoderError: other shapes, or no picture.
        """


def fingerprint(name: str, weights_sha256: str, settings: Mapping[str, object], revision: int) -> str:
    """Hexadecimal digits that tell encoders apart.

    Args:
        name: of the encoder.
        weights_sha256: of its weights file.
        settings: all that changes its tokens; JSON values.
        revision: of the method: goes up when the same weights and settings begin to give other tokens.
    """
    text = json.dumps([name, weights_sha256, dict(settings), revision], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
