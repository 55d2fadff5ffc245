"""Convolutional layers of the SELD encoder, and feature normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Scaler(nn.Module):
    """Feature normalisation, (x - mean) / std per channel and bin, with statistics saved in the checkpoint.

    Buffers instead of a separate file prevent the use of a checkpoint with the wrong statistics.

    Args:
        channels: feature channels C.
        bins: feature bins F.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, bins: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, bins))
        self.register_buffer("std", torch.ones(channels, 1, bins))

    def set(self, mean: Tensor, std: Tensor) -> None:
        """Set the statistics, which broadcast to (C, 1, F)."""
        self.mean.copy_(mean)
        self.std.copy_(std)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, T, F)."""
        scaled: Tensor = (features - self.mean) / self.std
        return scaled


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, ReLU; keeps the size at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut, then average pooling.

    Source: He et al. 2016, basic block; SELD encoders commonly use the pooled variant.

    Args:
        inputs, outputs: channels; the shortcut is a 1x1 convolution where they differ.
        pool: average pooling in time and frequency.
    """

    def __init__(self, inputs: int, outputs: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.first = ConvBlock(inputs, outputs)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(pool) if pool != (1, 1) else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, T, F) -> (B, outputs, T / pool[0], F / pool[1])."""
        out = torch.relu(self.second(self.first(maps)) + self.shortcut(maps))
        pooled: Tensor = self.pool(out)
        return pooled
