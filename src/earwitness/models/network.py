"""The interface of networks for training, export and inference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from earwitness.core.errors import ModelError
from earwitness.models.configs.architectures import ModelConfig
from earwitness.models.layers.conv_blocks import Scaler
from earwitness.models.token_batch import TokenBatch


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
