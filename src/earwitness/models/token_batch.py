"""Semantic tokens as networks take them: batches of one modality, with times and directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from earwitness.models.token_arrays import TokenArrays


class Tokens(NamedTuple):
    """Tokens of one modality for a batch of clips.

    Attributes:
        values: (B, T, P, D) float: T steps in time, P positions.
        times: (B, T) float32, seconds from the beginning of the clip.
        directions: (B, P, 2) float32, azimuth and elevation in degrees; NaN for a position that looks nowhere.
        here: (B, T) bool, steps that exist; a clip without the modality has none.
    """

    values: Tensor
    times: Tensor
    directions: Tensor
    here: Tensor

    @classmethod
    def of(cls, arrays: TokenArrays) -> Tokens:
        """The same in torch."""
        return cls(*(torch.from_numpy(array) for array in arrays))

    def to(self, device: torch.device) -> Tokens:
        """The same on `device`, values as float32."""
        return Tokens(
            self.values.to(device).float(), self.times.to(device), self.directions.to(device), self.here.to(device)
        )

    @property
    def present(self) -> Tensor:
        """(B,) bool, clips that have the modality."""
        return self.here.any(dim=1)


TokenBatch = Mapping[str, Tokens]
"""Modality's name -> its tokens; a modality that no clip has may be left out."""
