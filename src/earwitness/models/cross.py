"""How semantic tokens enter the SELD stream: gated cross-attention, or gated concatenation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.events import FRAME_RATE
from earwitness.models.attention import Attention
from earwitness.models.cmc_config import CmcConfig
from earwitness.models.conformer import rotary, rotary_at
from earwitness.models.projection import Projected, aligned_mean

_CONCATENATION_WIDTH_S = 0.25
"""Standard deviation of the weights with which tokens are taken over to label frames, where reach_s says nothing."""


class Gate(nn.Module):
    """A learned factor in (-1, 1) that starts at exactly 0, so that what it guards is not there at first.

    Source: Alayrac et al. 2022, Flamingo, section 3.1.2 (tanh gating); `gain` opens it faster.

    Args:
        config: which kind.
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
        self.attention = Attention(config.dim, config.cross_heads)
        self.dropout = nn.Dropout(config.dropout)
        self.gate = Gate(config)

    def forward(self, frames: Tensor, tokens: Projected) -> Tensor:
        """Frames (B, T', dim) with what they found in tokens (B, T, P, dim); unchanged where there are none."""
        positions = tokens.values.shape[2]
        allowed = tokens.allowed | ~tokens.allowed.any(dim=2, keepdim=True)  # softmax over nothing would be NaN
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
    """Gated update of the frames from frames and all modalities side by side.

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
        """Frames (B, T', dim) with all modalities mixed in; a missing one counts as zeros, none leaves them alone."""
        if not tokens:
            return frames
        beside = [
            aligned_mean(tokens[name], width) if name in tokens else torch.zeros_like(frames)
            for name, width in self.widths.items()
        ]
        some = torch.stack([projected.some for projected in tokens.values()]).amax(dim=0)
        updated: Tensor = frames + self.gate(self.dropout(self.mix(torch.cat([frames, *beside], dim=-1)))) * some
        return updated
