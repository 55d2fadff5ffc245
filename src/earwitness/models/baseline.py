"""Reimplementation of the DCASE2025 baselines: convolutions, GRU, self-attention, and a decoder over visual tokens.

Source: Shimada et al. 2025, the DCASE2025 Task 3 baseline. With the default dimensions the parameter counts are the
official ones: 734,261 for audio, 2,064,348 for audio-visual (not counting a decoder layer that the official code never
calls). Output activations are the official ones: tanh, ReLU for metres, sigmoid.
"""

from __future__ import annotations

from copy import deepcopy
from typing import ClassVar, Final

import torch
from torch import Tensor, nn

from earwitness.core.errors import ModelError
from earwitness.models.architectures import BaselineConfig, VisualInput
from earwitness.models.blocks import Scaler
from earwitness.models.network import Network, TokenBatch, Tokens
from earwitness.models.token_fusion import MultiHeadAttention

DECIBEL: Final = 0.1
"""One decibel in decimal logarithms of power: the official input is in decibels and not normalised."""
_NEVER: Final = -30.0
"""On-screen logit of networks without an on-screen output."""


class _ConvBlock(nn.Module):
    """3x3 convolution, batch normalisation, ReLU, max pooling, dropout of whole maps."""

    def __init__(self, inputs: int, outputs: int, pool: tuple[int, int], dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.pool = nn.MaxPool2d(pool)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, T, F) -> (B, outputs, T / pool[0], F / pool[1])."""
        out: Tensor = self.dropout(self.pool(torch.relu(self.norm(self.convolution(maps)))))
        return out


class _SelfAttention(nn.Module):
    """Self-attention with a shortcut, then LayerNorm."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.attention = _official_attention(config.rnn_width, config.heads, config.dropout)
        self.norm = nn.LayerNorm(config.rnn_width)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        out: Tensor = self.norm(frames + self.attention(frames, frames))
        return out


class _DecoderLayer(nn.Module):
    """Transformer decoder layer, post-norm: self-attention, attention to the visual tokens, feed-forward."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        width, dropout = config.rnn_width, config.decoder_dropout
        self.own = _official_attention(width, config.heads, dropout)
        self.visual = _official_attention(width, config.heads, dropout)
        self.expand, self.contract = nn.Linear(width, config.decoder_ffn), nn.Linear(config.decoder_ffn, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, pictures: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, T, width) attend to pictures (B, N, width) where mask (B, 1, 1, N) is True."""
        frames = self.norms[0](frames + self.dropout(self.own(frames, frames)))
        frames = self.norms[1](frames + self.dropout(self.visual(frames, pictures, mask)))
        wide = self.dropout(torch.relu(self.expand(frames)))
        out: Tensor = self.norms[2](frames + self.dropout(self.contract(wide)))
        return out


class BaselineNet(Network):
    """CRNN with self-attention, and a transformer decoder for visual tokens.

    Args:
        config: dimensions.
    """

    normalises: ClassVar[bool] = False
    config: BaselineConfig

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.config = config
        self.scaler = Scaler(config.in_channels, config.mels)
        self.scaler.std.fill_(DECIBEL)
        inputs = [config.in_channels] + [config.filters] * (len(config.pools) - 1)
        self.convolutions = nn.Sequential(
            *(_ConvBlock(a, config.filters, pool, config.dropout) for a, pool in zip(inputs, config.pools, strict=True))
        )
        self.gru = nn.GRU(
            config.filters * config.bins_out,
            config.rnn_width,
            config.rnn_layers,
            batch_first=True,
            dropout=config.dropout if config.rnn_layers > 1 else 0.0,
            bidirectional=True,
        )
        self.attention = nn.Sequential(*(_SelfAttention(config) for _ in range(config.attention_layers)))
        if config.visual is not None:
            self.visual = nn.Linear(config.visual.width, config.rnn_width)
            # Copies of one layer: the layers of the official decoder are initialised identically.
            layer = _DecoderLayer(config)
            self.decoder = nn.ModuleList(deepcopy(layer) for _ in range(config.decoder_layers))
        self.head = nn.Linear(config.rnn_width, config.head_width)
        self.out = nn.Linear(config.head_width, config.tracks * config.classes * config.fields)

    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> Tensor:
        """Raw fields of a batch.

        Args:
            features: (B, C, T, F), log-mels of left and right; frames beyond whole label frames are context only.
            tokens: the visual tokens, under the name in the configuration.

        Returns:
            (B, T', tracks, classes, 4): x, y, metres, on-screen logit.

        Raises:
            ModelError: a clip has no tokens, or tokens of another grid or width; the audio-visual baseline needs them.
        """
        if self.config.dynamic_range_db is not None:
            floor = features.amax(dim=(1, 2, 3), keepdim=True) - DECIBEL * self.config.dynamic_range_db
            features = torch.maximum(features, floor)
        maps = self.convolutions(self.scaler(features))
        both, _ = self.gru(maps.transpose(1, 2).flatten(2))
        ahead, back = torch.tanh(both).chunk(2, dim=-1)
        frames = self.attention(ahead * back)
        if self.config.visual is not None:
            frames = self._with_pictures(frames, _needed(tokens or {}, self.config.visual))
        raw = self.out(self.head(frames)).float()
        fields = raw.unflatten(-1, (self.config.tracks, self.config.classes, self.config.fields))
        # Not full_like, whose size the ONNX exporter would fix to that of its example.
        screen = fields[..., 3:] if self.config.fields == 4 else fields[..., :1] * 0 + _NEVER
        return torch.cat([torch.tanh(fields[..., :2]), torch.relu(fields[..., 2:3]), screen], dim=-1)

    def _with_pictures(self, frames: Tensor, tokens: Tokens) -> Tensor:
        assert self.config.visual is not None
        pictures = self.visual(_reduced(tokens.values, self.config.visual))
        mask = tokens.here[:, None, None]
        for layer in self.decoder:
            frames = layer(frames, pictures, mask)
        return frames

    def physical(self, raw: Tensor) -> Tensor:
        """Raw fields as x, y, metres, on-screen probability."""
        return torch.cat([raw[..., :3], torch.sigmoid(raw[..., 3:])], dim=-1)


def _official_attention(width: int, heads: int, dropout: float) -> MultiHeadAttention:
    """Attention initialised as `torch.nn.MultiheadAttention`: one joint Xavier matrix, biases of zero."""
    attention = MultiHeadAttention(width, heads, dropout)
    joint = nn.init.xavier_uniform_(torch.empty(3 * width, width))
    with torch.no_grad():
        for linear, weight in zip((attention.query, attention.key, attention.value), joint.chunk(3), strict=True):
            linear.weight.copy_(weight)
            linear.bias.zero_()
        attention.out.bias.zero_()
    return attention


def _needed(tokens: TokenBatch, visual: VisualInput) -> Tokens:
    if visual.name not in tokens:
        raise ModelError(
            f"this network needs '{visual.name}' tokens, but there are none: run it on videos with pictures"
        )
    found = tokens[visual.name]
    positions, dim = visual.grid[0] * visual.grid[1], visual.dim
    if tuple(found.values.shape[2:]) != (positions, dim):
        raise ModelError(
            f"the network takes '{visual.name}' tokens of {positions} positions and width {dim}, but these have "
            f"{found.values.shape[2]} and {found.values.shape[3]}: set model.visual.grid and model.visual.dim to match"
        )
    if not found.present.all():
        raise ModelError(f"a clip has no '{visual.name}' tokens: run this network on videos only")
    return found


def _reduced(values: Tensor, visual: VisualInput) -> Tensor:
    """(B, T, P, D) -> (B, T, width)."""
    if visual.reduce == "channels":
        return values.mean(dim=3)
    return values.mean(dim=2) if visual.reduce == "positions" else values.flatten(2)
