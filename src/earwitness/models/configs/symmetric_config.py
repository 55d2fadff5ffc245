"""Dimensions of the mirror-symmetric SELD network; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from earwitness.models.configs.seld_config import SeldShape


class SymmetricConfig(SeldShape):
    """Dimensions of `earwitness.models.symmetric.SymmetricNet`; each map of a pair has these widths.

    Attributes:
        architecture: name of the architecture; see `earwitness.models.configs.architectures`.
        odd_channels: feature channels that change their sign when left and right are swapped: the intensity.
    """

    architecture: Literal["symmetric"] = "symmetric"
    odd_channels: tuple[NonNegativeInt, ...] = Field((2,), max_length=100)

    @model_validator(mode="after")
    def _odd_are_there(self) -> Self:
        if not self.odd_channels or max(self.odd_channels) >= self.own_channels:
            raise ValueError(
                f"odd_channels {self.odd_channels}: give at least one channel number below {self.own_channels}"
            )
        return self

    def check_channels(self, names: Sequence[str]) -> None:
        """Check that `odd_channels` are exactly the feature channels that change their sign when swapped.

        Raises:
            ValueError: they are not, or a feature is computed from one channel only.
        """
        odd = tuple(index for index, name in enumerate(names) if name == "intensity")
        if {"logmel_l", "logmel_r"} & set(names) or self.odd_channels != odd:
            raise ValueError(
                f"model.odd_channels must be {list(odd)}, the positions of intensity in features.channels, and a "
                "symmetric network takes neither logmel_l nor logmel_r"
            )
