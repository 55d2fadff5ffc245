"""The interface of networks for training, export and inference, and their token input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from earwitness.core.errors import ModelError
from earwitness.encoders.protocol import TokenArrays
from earwitness.models.architectures import ModelConfig
from earwitness.models.blocks import Scaler


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


class Network(nn.Module, ABC):
    """A network with multi-ACCDDOA output.

    Attributes:
        config: its dimensions.
        scaler: feature normalisation.
        normalises: whether the scaler is set from the statistics of the training features.
    """

    normalises: ClassVar[bool] = True
    config: ModelConfig
    scaler: Scaler

    @abstractmethod
    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> Tensor:
        """Raw fields of a batch, as the network's loss takes them.

        Args:
            features: (B, C, T, F), T a multiple of `frames_per_label`.
            tokens: by modality; optional modalities may be missing.

        Returns:
            (B, T / frames_per_label, tracks, classes, 4).

        Raises:
            ModelError: a required modality is missing, or tokens have another width.
        """

    @abstractmethod
    def physical(self, raw: Tensor) -> Tensor:
        """Raw fields (..., 4) as x, y, metres, on-screen probability."""

    @property
    def has_any_sound(self) -> bool:
        """Whether the raw fields have an additional class for any sound, after the others."""
        return bool(getattr(self.config, "any_sound", False))

    def physical_any_sound(self, raw: Tensor) -> Tensor:
        """Raw fields as physical ones (B, T', tracks, 1, 4) of the class for any sound.

        Raises:
            ModelError: the network has no such class.
        """
        raise ModelError(f"a network of {type(self).__name__} has no class for any sound")
