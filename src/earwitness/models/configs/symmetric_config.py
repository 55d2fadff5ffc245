"""The shape of a mirror-symmetric SELD network; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from earwitness.models.configs.seld_config import SeldShape


class SymmetricConfig(SeldShape):
    """Dimensions of `earwitness.models.symmetric.SymmetricNet`; widths are those of each of a pair.

    Attributes:
        architecture: which network; see `earwitness.models.configs.architectures`.
        odd_channels: feature channels that change their sign where left and right are exchanged: the intensity.
    """

    architecture: Literal["symmetric"] = "symmetric"
    odd_channels: tuple[NonNegativeInt, ...] = Field((2,), max_length=100)

    @model_validator(mode="after")
    def _odd_are_there(self) -> Self:
        if not self.odd_channels or max(self.odd_channels) >= self.own_channels:
            raise ValueError(
                f"odd_channels {self.odd_channels}: at least one, of the {self.own_channels} that no tagger hears"
            )
        return self

    def check_channels(self, names: Sequence[str]) -> None:
        """See that `odd_channels` are those of these feature channels that change their sign.

        Raises:
            ValueError: others are, or a channel is of one side.
        """
        odd = tuple(index for index, name in enumerate(names) if name == "intensity")
        if {"logmel_l", "logmel_r"} & set(names) or self.odd_channels != odd:
            raise ValueError(
                f"model.odd_channels must be {list(odd)}, where features.channels has intensity, and a symmetric "
                "network takes neither logmel_l nor logmel_r"
            )
