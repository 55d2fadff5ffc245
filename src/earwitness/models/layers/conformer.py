"""Conformer blocks with rotary positions, for sequences of any length."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


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
