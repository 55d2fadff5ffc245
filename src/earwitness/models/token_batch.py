"""Batches of semantic tokens with times and directions: the networks' token input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from earwitness.models.token_arrays import TokenArrays


class Tokens(NamedTuple):
    """Tokens of one modality for a batch of clips.

    Attributes:
        values: (B, T, P, D) float: T time steps, P positions.
        times: (B, T) float32, seconds from the start of the clip.
        directions: (B, P, 2) float32, azimuth and elevation in degrees; NaN for a position without a direction.
        here: (B, T) bool, False in the padding; a clip without the modality is all padding.
    """

    values: Tensor
    times: Tensor
    directions: Tensor
    here: Tensor

    @classmethod
    def of(cls, arrays: TokenArrays) -> Tokens:
        """The arrays as tensors."""
        return cls(*(torch.from_numpy(array) for array in arrays))

    def to(self, device: torch.device) -> Tokens:
        """The tokens on `device`, with values as float32."""
        return Tokens(
            self.values.to(device).float(), self.times.to(device), self.directions.to(device), self.here.to(device)
        )

    @property
    def present(self) -> Tensor:
        """(B,) bool, clips that have the modality."""
        return self.here.any(dim=1)


TokenBatch = Mapping[str, Tokens]
"""Name of the modality -> its tokens; a modality that no clip has may be left out."""
