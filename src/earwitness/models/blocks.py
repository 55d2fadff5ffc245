"""Blocks of the networks: feature normalisation, convolutions, conformers with rotary positions, a frozen tagger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.features.mel import LOWEST


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


class _Separable(NamedTuple):
    """A depthwise and a pointwise convolution."""

    inputs: int
    outputs: int
    stride: int


_STEM: Final = 32
_EARLY: Final = (
    _Separable(32, 64, 1), _Separable(64, 128, 2), _Separable(128, 128, 1), _Separable(128, 256, 2),
    _Separable(256, 256, 1), _Separable(256, 512, 2), *[_Separable(512, 512, 1)] * 5,
)  # fmt: skip
_LATE: Final = (_Separable(512, 1024, 2), _Separable(1024, 1024, 1))
_EARLY_WIDTH: Final = 4 * 512
EMBEDDING_WIDTH: Final = 1024
"""Width of YAMNet's embedding, the output of its last convolution."""
_EARLY_STEP, _LATE_STEP = 16, 32
"""Frames of 10 ms from one output to the next."""
_PADDING: Final = 24
"""Frames of silence before and after, so that the first and the last label frame lie between two outputs."""


class YamnetTrunk(nn.Module):
    """The convolutions of YAMNet for spectrograms of any length, with batch normalisation folded in.

    Source: Howard et al. 2017, MobileNet v1; weights of YAMNet (tensorflow/models, research/audioset, Apache-2.0).
    The weights are frozen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Sequential(*_conv(1, _STEM, 3, 2), *_separables(_EARLY))
        self.late = nn.Sequential(*_separables(_LATE))
        self.requires_grad_(False)

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """The convolutions in the order of their application."""
        return [part for part in self.modules() if isinstance(part, nn.Conv2d)]

    @torch.no_grad()
    def forward(self, spectrogram: Tensor) -> tuple[Tensor, Tensor]:
        """(B, frames, 64) -> (B, about frames / 16, 2048), (B, about frames / 32, 1024)."""
        padded = functional.pad(spectrogram, (0, 0, _PADDING, _PADDING), value=LOWEST)
        early = self.early(padded[:, None].contiguous(memory_format=torch.channels_last))
        return early.permute(0, 2, 3, 1).flatten(2), self.late(early).mean(dim=3).transpose(1, 2)


class Tagger(nn.Module):
    """YAMNet's activations, projected and interpolated at label frames.

    Args:
        dim: width of the output.
        frames_per_label: frames of 10 ms per label frame.
        dropout: of the output.
        embedding: append YAMNet's embedding to the output, normalised to zero mean and unit variance.
    """

    def __init__(self, dim: int, frames_per_label: int, dropout: float, *, embedding: bool = False) -> None:
        super().__init__()
        self.frames_per_label, self.embedding = frames_per_label, embedding
        self.trunk = YamnetTrunk()
        self.early = nn.Sequential(nn.LayerNorm(_EARLY_WIDTH), nn.Linear(_EARLY_WIDTH, dim))
        self.late = nn.Sequential(nn.LayerNorm(EMBEDDING_WIDTH), nn.Linear(EMBEDDING_WIDTH, dim))
        self.finish = nn.Sequential(nn.SiLU(), nn.Dropout(dropout))

    def forward(self, halves: Tensor) -> Tensor:
        """The two channels (B, 2, T, 64) of `features.TAGGER_CHANNELS` -> (B, label frames, dim [+ 1024])."""
        early, late = self.trunk(halves.transpose(1, 2).flatten(1, 2))
        labels = halves.shape[2] * 2 // self.frames_per_label
        both = self.at_labels(self.early(early), labels, _EARLY_STEP) + self.at_labels(
            self.late(late), labels, _LATE_STEP
        )
        finished: Tensor = self.finish(both)
        if not self.embedding:
            return finished
        plain = functional.layer_norm(late, (EMBEDDING_WIDTH,))
        return torch.cat([finished, self.at_labels(plain, labels, _LATE_STEP)], dim=-1)

    def at_labels(self, steps: Tensor, labels: int, step: int) -> Tensor:
        """Interpolate (B, n, dim), step k centred on frame (k + 1) step - 1 of the padded input, at label frames."""
        middle = (torch.arange(labels, device=steps.device) + 0.5) * self.frames_per_label - 0.5
        place = ((middle + _PADDING + 1) / step - 1).clamp(0, steps.shape[1] - 1)
        before = place.floor().long()
        after = (before + 1).clamp(max=steps.shape[1] - 1)
        share = (place - before)[:, None].to(steps.dtype)
        return steps[:, before] * (1 - share) + steps[:, after] * share


def _separables(layers: tuple[_Separable, ...]) -> list[nn.Module]:
    return [
        part
        for layer in layers
        for part in (
            *_conv(layer.inputs, layer.inputs, 3, layer.stride, layer.inputs),
            *_conv(layer.inputs, layer.outputs, 1, 1),
        )
    ]


def _conv(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """Convolution and ReLU; at stride 2 padding is at the end only, as in TensorFlow for even sizes."""
    pad = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
    padding = kernel // 2 if stride == 1 else 0
    return [*pad, nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups), nn.ReLU(inplace=True)]
