"""What training, export and inference need of a network, whatever is inside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from earwitness.models.configs.architectures import ModelConfig
from earwitness.models.layers.conv_blocks import Scaler
from earwitness.models.token_batch import TokenBatch


class Network(nn.Module, ABC):
    """A network with multi-ACCDDOA output.

    Attributes:
        config: its dimensions.
        scaler: feature normalisation.
        normalises: whether the scaler takes the statistics of the training features.
    """

    normalises: ClassVar[bool] = True
    config: ModelConfig
    scaler: Scaler

    @abstractmethod
    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> Tensor:
        """Raw fields of a batch, in the form that the network's loss takes.

        Args:
            features: (B, C, T, F), T a multiple of `frames_per_label`.
            tokens: by modality; what is missing is done without, where the network can.

        Returns:
            (B, T / frames_per_label, tracks, classes, 4).

        Raises:
            ModelError: a modality is missing that the network cannot do without, or has another width.
        """

    @abstractmethod
    def physical(self, raw: Tensor) -> Tensor:
        """Raw fields (..., 4) as x, y, metres, on-screen probability."""
