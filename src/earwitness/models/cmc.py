"""The Cross-Modal Conformer: the SELD network, whose frames also attend to semantic tokens of sound and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from earwitness.models.layers.cross_attention import Concatenation, CrossAttention
from earwitness.models.layers.token_projection import Projected, TokenProjection
from earwitness.models.network import TokenBatch
from earwitness.models.seld import SeldNet
from earwitness.models.seld_config import CmcConfig

FUSION_PARTS = ("projections.", "cross.", "concatenation.")
"""Prefixes of the weights that a SELD network does not have."""


class CmcNet(SeldNet):
    """Residual CNN and Cross-Modal Conformer blocks with a multi-ACCDDOA head.

    Source: reconstruction of Berghi & Jackson 2025. A block is: half feed-forward, self-attention, for each modality a
    gated cross-attention, convolution, half feed-forward. Without tokens, or with gates still closed, the output is
    exactly that of `SeldNet` with the same weights: one checkpoint serves any subset of its modalities.

    Args:
        config: dimensions.
    """

    config: CmcConfig

    def __init__(self, config: CmcConfig) -> None:
        super().__init__(config)
        self.projections = nn.ModuleDict(
            {name: TokenProjection(name, spec, config) for name, spec in config.tokens.items()}
        )
        self.cross = nn.ModuleDict(
            {
                str(block): nn.ModuleDict({name: CrossAttention(config) for name in config.tokens})
                for block in config.blocks_with_cross
            }
        )
        mixed = config.tokens and config.fusion == "concatenation"
        self.concatenation = Concatenation(config) if mixed else None

    def _context(self, frames: Tensor, tokens: TokenBatch) -> Tensor:
        """The Conformer: (B, T', dim) -> (B, T', dim)."""
        projected: dict[str, Projected] = {
            name: project(tokens[name], frames.shape[1]) for name, project in self.projections.items() if name in tokens
        }
        if self.concatenation is not None:
            frames = self.concatenation(frames, projected)
        for number, block in enumerate(self.conformer):
            frames = block(frames, partial(self._attend, number, projected) if str(number) in self.cross else None)
        return frames

    def _attend(self, block: int, projected: Mapping[str, Projected], frames: Tensor) -> Tensor:
        for name, attend in self.cross[str(block)].items():  # type: ignore[operator]
            if name in projected:
                frames = attend(frames, projected[name])
        return frames
