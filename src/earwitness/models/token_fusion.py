"""Fusion of semantic tokens with the frames: projection, and gated cross-attention or gated concatenation.

Tokens of an encoder are projected to the width of the network, with encodings of time and direction. All layers can be
exported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.core.errors import ModelError
from earwitness.core.events import FRAME_RATE
from earwitness.models.blocks import attend, rotary, rotary_at, turn
from earwitness.models.network import Tokens
from earwitness.models.seld_config import CmcConfig, TokenInput

_ENDLESS: Final = 1e9
Angles = tuple[Tensor, Tensor]
"""Cosines and sines of rotary positions, of shapes that broadcast to (B, heads, length, width / 2)."""


@dataclass(frozen=True, slots=True)
class Projected:
    """Projected tokens of one modality.

    Attributes:
        values: (B, T, P, dim).
        places: (B, T) float32, times in label frames, 0 in the middle of the first.
        allowed: (B, T', T) bool, whether a label frame may attend to a step.
    """

    values: Tensor
    places: Tensor
    allowed: Tensor

    @property
    def some(self) -> Tensor:
        """(B, T', 1), 1 where a label frame may attend to at least one step, else 0."""
        return self.allowed.any(dim=2, keepdim=True).to(self.values.dtype)


class TokenProjection(nn.Module):
    """Pool, normalise and project tokens to `dim`; add encodings of direction and time.

    Args:
        name: of the modality, for messages.
        spec: its tokens.
        config: of the network.
    """

    def __init__(self, name: str, spec: TokenInput, config: CmcConfig) -> None:
        super().__init__()
        self.name, self.spec = name, spec
        self.bands = config.direction_bands if spec.directions else 0
        self.sinusoid = config.token_time == "sinusoid"
        self.norm = nn.LayerNorm(spec.dim)
        self.project = nn.Linear(spec.dim, config.dim)
        self.direction = nn.Linear(4 * self.bands + 1, config.dim, bias=False) if self.bands else None
        self.norm_out = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.token_dropout)

    def forward(self, tokens: Tokens, frames: int) -> Projected:
        """Tokens (B, T, P, D) for `frames` label frames.

        Raises:
            ModelError: width or grid differ from those of the network.
        """
        tokens = self.pooled(self._checked(tokens))
        values = self.project(self.norm(tokens.values))
        if self.direction is not None:
            values = values + self.direction(direction_features(tokens.directions, self.bands))[:, None]
        places = tokens.times * FRAME_RATE - 0.5
        if self.sinusoid:
            values = values + torch.cat(rotary_at(places, values.shape[-1]), dim=-1)[:, :, None]
        apart = torch.arange(frames, device=places.device)[None, :, None] - places[:, None]
        reach = self.spec.reach_s * FRAME_RATE if self.spec.reach_s else _ENDLESS
        allowed = tokens.here[:, None] & (apart.abs() <= reach)
        return Projected(self.dropout(self.norm_out(values)), places, allowed)

    def _checked(self, tokens: Tokens) -> Tokens:
        positions, dim = tokens.values.shape[2:]
        if dim != self.spec.dim:
            raise ModelError(
                f"the network takes '{self.name}' tokens of width {self.spec.dim}, but these have width {dim}: "
                "use the encoder of the recipe"
            )
        if self.spec.grid is not None and positions != self.spec.grid[0] * self.spec.grid[1]:
            raise ModelError(
                f"the network takes '{self.name}' tokens on a grid of {self.spec.grid[0]}x{self.spec.grid[1]}, but "
                f"these have {positions} positions: use the grid of the recipe"
            )
        return tokens

    def pooled(self, tokens: Tokens) -> Tokens:
        """Tokens averaged over neighbouring rows and columns of their grid, as `spec.pool` sets."""
        if self.spec.pool == (1, 1) or self.spec.grid is None:
            return tokens
        rows, columns = self.spec.pool
        cells = (self.spec.grid[0] // rows, rows, self.spec.grid[1] // columns, columns)
        batch, steps, _, dim = tokens.values.shape
        values = tokens.values.reshape(batch, steps, *cells, dim).mean(dim=(3, 5)).flatten(2, 3)
        directions = tokens.directions.reshape(batch, *cells, 2).mean(dim=(2, 4)).flatten(1, 2)
        return tokens._replace(values=values, directions=directions)


def direction_features(directions: Tensor, bands: int) -> Tensor:
    """Sines and cosines of 1..bands times azimuth and elevation, and 1 if there is a direction.

    Args:
        directions: (B, P, 2) degrees; NaN gives zeros.
        bands: harmonics.

    Returns:
        (B, P, 4 bands + 1).
    """
    known = ~torch.isnan(directions).any(dim=-1, keepdim=True)
    radians = torch.where(known, directions, 0.0) * (pi / 180)
    angles = (radians[..., None] * torch.arange(1, bands + 1, device=radians.device)).flatten(-2)
    return torch.cat([angles.sin(), angles.cos(), torch.ones_like(radians[..., :1])], dim=-1) * known


def aligned_mean(projected: Projected, width: float) -> Tensor:
    """One vector per label frame: the mean over positions, weighted over time by a Gaussian.

    Args:
        projected: (B, T, P, dim).
        width: standard deviation of the weights, label frames.

    Returns:
        (B, T', dim); zeros for frames that may attend to no step.
    """
    steps = functional.silu(projected.values).mean(dim=2)
    frames = torch.arange(projected.allowed.shape[1], device=steps.device)
    apart = (frames[None, :, None] - projected.places[:, None]) / width
    weights = torch.softmax((-0.5 * apart.square()).masked_fill(~projected.allowed, -_ENDLESS), dim=2)
    return (weights.to(steps.dtype) @ steps) * projected.some


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
