"""Fusion of semantic tokens with the frames: gated cross-attention or gated concatenation; exportable attention."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.core.events import FRAME_RATE
from earwitness.models.layers.blocks import attend, rotary, rotary_at, turn
from earwitness.models.layers.token_projection import Projected, aligned_mean
from earwitness.models.seld_config import CmcConfig

Angles = tuple[Tensor, Tensor]
"""Cosines and sines of rotary positions, of shapes that broadcast to (B, heads, length, width / 2)."""


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention with projections of queries, keys, values and output.

    Source: Vaswani et al. 2017, section 3.2.

    Args:
        dim: width of queries and output, a multiple of `heads`.
        heads: attention heads.
        dropout: on the attention weights.
    """

    def __init__(self, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(
        self,
        frames: Tensor,
        tokens: Tensor,
        mask: Tensor | None = None,
        *,
        turns: tuple[Angles, Angles] | None = None,
        null: bool = False,
    ) -> Tensor:
        """Attention of frames (B, T, dim) to tokens (B, N, dim): (B, T, dim).

        Args:
            frames: source of the queries.
            tokens: source of keys and values.
            mask: bool, broadcasts to (B, heads, T, N), or N + 1 with `null`; True may be attended to.
            turns: rotary positions of the queries and of the keys.
            null: append a key and a value of zeros.
        """
        query, key = self._split(self.query(frames)), self._split(self.key(tokens))
        value = self._split(self.value(tokens))
        if turns is not None:
            query, key = turn(query, *turns[0]), turn(key, *turns[1])
        if null:
            key, value = functional.pad(key, (0, 0, 0, 1)), functional.pad(value, (0, 0, 0, 1))
        dropout = self.dropout if self.training else 0.0
        mixed = attend(query, key, value, mask, dropout)
        attended: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return attended

    def _split(self, sequence: Tensor) -> Tensor:
        batch, length, dim = sequence.shape
        return sequence.reshape(batch, length, self.heads, dim // self.heads).transpose(1, 2)


_CONCATENATION_WIDTH_S = 0.25
"""Standard deviation of the weights that align tokens to label frames, where reach_s is not set."""


class Gate(nn.Module):
    """A learned factor in (-1, 1) that starts at exactly 0, so that its input contributes nothing at first.

    Source: Alayrac et al. 2022, Flamingo, section 3.1.2 (tanh gating); a larger `gain` opens it faster.

    Args:
        config: of the network.
    """

    def __init__(self, config: CmcConfig) -> None:
        super().__init__()
        self.gain = config.gate_gain
        size = config.dim if config.gate == "channel" else 1
        self.weight = None if config.gate == "open" else nn.Parameter(torch.zeros(size))

    def forward(self, update: Tensor) -> Tensor:
        """(B, T, dim) -> (B, T, dim)."""
        return update if self.weight is None else update * torch.tanh(self.gain * self.weight)


class CrossAttention(nn.Module):
    """Gated attention of label frames to the tokens of one modality.

    Args:
        config: of the network.
    """

    def __init__(self, config: CmcConfig) -> None:
        super().__init__()
        self.rotary, self.null = config.token_time == "rotary", config.null_token
        self.norm = nn.LayerNorm(config.dim)
        self.attention = MultiHeadAttention(config.dim, config.cross_heads)
        self.dropout = nn.Dropout(config.dropout)
        self.gate = Gate(config)

    def forward(self, frames: Tensor, tokens: Projected) -> Tensor:
        """Frames (B, T', dim) updated from tokens (B, T, P, dim); unchanged where there are no tokens."""
        positions = tokens.values.shape[2]
        allowed = tokens.allowed | ~tokens.allowed.any(dim=2, keepdim=True)  # an empty softmax would be NaN
        mask = allowed[..., None].expand(-1, -1, -1, positions).flatten(2)[:, None]
        if self.null:
            mask = functional.pad(mask, (0, 1), value=True)
        found = self.attention(
            self.norm(frames), tokens.values.flatten(1, 2), mask, turns=self._turns(frames, tokens), null=self.null
        )
        updated: Tensor = frames + self.gate(self.dropout(found)) * tokens.some
        return updated

    def _turns(self, frames: Tensor, tokens: Projected) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]] | None:
        if not self.rotary:
            return None
        width = frames.shape[2] // self.attention.heads
        places = tokens.places[:, :, None].expand(-1, -1, tokens.values.shape[2]).flatten(1)
        cos, sin = rotary_at(places, width)
        return rotary(frames.shape[1], width, frames), (cos[:, None], sin[:, None])


class Concatenation(nn.Module):
    """Gated update of the frames from the concatenation of frames and all modalities.

    Args:
        config: of the network.
    """

    def __init__(self, config: CmcConfig) -> None:
        super().__init__()
        self.widths = {
            name: (spec.reach_s or _CONCATENATION_WIDTH_S) * FRAME_RATE for name, spec in config.tokens.items()
        }
        self.mix = nn.Sequential(
            nn.Linear(config.dim * (1 + len(self.widths)), config.dim), nn.SiLU(), nn.Linear(config.dim, config.dim)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.gate = Gate(config)

    def forward(self, frames: Tensor, tokens: Mapping[str, Projected]) -> Tensor:
        """Frames (B, T', dim) updated from all modalities; missing ones count as zeros, without any nothing changes."""
        if not tokens:
            return frames
        beside = [
            aligned_mean(tokens[name], width) if name in tokens else torch.zeros_like(frames)
            for name, width in self.widths.items()
        ]
        some = torch.stack([projected.some for projected in tokens.values()]).amax(dim=0)
        updated: Tensor = frames + self.gate(self.dropout(self.mix(torch.cat([frames, *beside], dim=-1)))) * some
        return updated
