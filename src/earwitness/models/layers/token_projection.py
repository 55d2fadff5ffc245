"""Projection of an encoder's tokens to the width of the network, with encodings of time and direction."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.core.errors import ModelError
from earwitness.core.events import FRAME_RATE
from earwitness.models.layers.blocks import rotary_at
from earwitness.models.network import Tokens
from earwitness.models.seld_config import CmcConfig, TokenInput

_ENDLESS: Final = 1e9


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
