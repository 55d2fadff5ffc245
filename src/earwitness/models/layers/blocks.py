"""Blocks of the networks: feature normalisation, convolutions, and conformers with rotary positions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


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


def rotary(length: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines (length, width / 2) of rotary position embedding.

    Source: Su et al. 2021, RoFormer, equation 15.
    """
    return rotary_at(torch.arange(length, device=like.device, dtype=torch.float32), width)


def rotary_at(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (..., width / 2) of rotary embedding at positions (...), which may be fractions."""
    rates = 10000.0 ** (-torch.arange(0, width, 2, device=positions.device, dtype=torch.float32) / width)
    angles = positions[..., None] * rates
    return angles.cos(), angles.sin()


def turn(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the halves of (B, heads, T, width) by position; attention then depends on distance in time only."""
    a, b = heads.chunk(2, dim=-1)
    cos, sin = cos.to(heads.dtype), sin.to(heads.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, dropout: float = 0.0) -> Tensor:
    """Scaled dot-product attention of (B, heads, T, width) to (B, heads, N, width).

    Uses torch's kernel except for training on CPUs, where the backward pass of that kernel takes three to ten times as
    long as these few products for sequences of a clip's length.

    Args:
        query, key, value: the projections.
        mask: bool, broadcasts to (B, heads, T, N); True may be attended to, and each row has a True.
        dropout: on the attention weights.
    """
    if query.is_cuda or not query.requires_grad:
        return functional.scaled_dot_product_attention(query, key, value, mask, dropout)
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = torch.softmax(scores.float(), dim=-1).to(value.dtype)
    return functional.dropout(weights, dropout) @ value


class FeedForward(nn.Sequential):
    """LayerNorm, expand, SiLU, contract; dropout of the output only, where drawing it costs a quarter."""

    def __init__(self, dim: int, mult: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(dim),
            nn.Linear(dim, dim * mult),
            nn.SiLU(),
            nn.Linear(dim * mult, dim),
            nn.Dropout(dropout),
        )


class SelfAttention(nn.Module):
    """Multi-head self-attention with rotary positions."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, dim) -> (B, T, dim)."""
        batch, length, dim = frames.shape
        width = dim // self.heads
        qkv = self.qkv(self.norm(frames)).view(batch, length, 3, self.heads, width)
        query, key, value = (part.transpose(1, 2) for part in qkv.unbind(2))
        cos, sin = rotary(length, width, frames)
        mixed = attend(turn(query, cos, sin), turn(key, cos, sin), value)
        attended: Tensor = self.dropout(self.out(mixed.transpose(1, 2).reshape(batch, length, dim)))
        return attended


class ConvModule(nn.Module):
    """Gated pointwise, depthwise over time, pointwise."""

    def __init__(self, dim: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=False)
        self.batch_norm = nn.BatchNorm1d(dim)
        self.contract = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, dim) -> (B, T, dim)."""
        gated = functional.glu(self.expand(self.norm(frames)), dim=-1)
        mixed = functional.silu(self.batch_norm(self.depthwise(gated.transpose(1, 2)))).transpose(1, 2)
        out: Tensor = self.dropout(self.contract(mixed))
        return out


class ConformerBlock(nn.Module):
    """Half feed-forward, self-attention, convolution, half feed-forward, each residual.

    Source: Gulati et al. 2020, Conformer, section 2.4.
    """

    def __init__(self, dim: int, heads: int, kernel: int, mult: int, dropout: float) -> None:
        super().__init__()
        self.before = FeedForward(dim, mult, dropout)
        self.attention = SelfAttention(dim, heads, dropout)
        self.convolution = ConvModule(dim, kernel, dropout)
        self.after = FeedForward(dim, mult, dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, frames: Tensor, between: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """(B, T, dim) -> (B, T, dim); `between` is applied after self-attention and before the convolution."""
        frames = frames + 0.5 * self.before(frames)
        frames = frames + self.attention(frames)
        if between is not None:
            frames = between(frames)
        frames = frames + self.convolution(frames)
        frames = frames + 0.5 * self.after(frames)
        out: Tensor = self.norm(frames)
        return out
