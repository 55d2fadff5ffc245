"""The shape of a mirror-symmetric SELD network; torch-free."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import NonNegativeInt, model_validator

from earwitness.models.config import SeldShape


class SymmetricConfig(SeldShape):
    """Dimensions of `earwitness.models.symmetric.SymmetricNet`; widths are those of each of a pair.

    Attributes:
        architecture: which network; see `earwitness.models.architectures`.
        odd_channels: feature channels that change their sign where left and right are exchanged: the intensity.
    """

    architecture: Literal["symmetric"] = "symmetric"
    odd_channels: tuple[NonNegativeInt, ...] = (2,)

    @model_validator(mode="after")
    def _odd_are_there(self) -> Self:
        if not self.odd_channels or max(self.odd_channels) >= self.own_channels:
            raise ValueError(
                f"odd_channels {self.odd_channels}: at least one, of the {self.own_channels} that no tagger hears"
            )
        return self
