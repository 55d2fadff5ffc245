"""Tiny networks and made-up tokens for the tests of networks."""

from __future__ import annotations

import torch

from earwitness.models.network import Tokens
from earwitness.models.seld_config import CmcConfig, SeldConfig, TokenInput

SHAPE = {
    "in_channels": 2, "mels": 16, "stem_width": 4, "stem_kernel": 3, "widths": (4, 8), "pools": ((5, 2), (1, 2)),
    "dim": 16, "heads": 2, "blocks": 2, "conv_kernel": 3, "ffn_mult": 2,
}  # fmt: skip
SELD = SeldConfig.model_validate(SHAPE)
SOUND = TokenInput(dim=6)
PICTURE = TokenInput(dim=5, grid=(2, 4), pool=(2, 1), reach_s=0.6)


def cmc_config(**more: object) -> CmcConfig:
    tokens = {"clap": SOUND, "owlvit": PICTURE}
    return CmcConfig.model_validate({**SHAPE, "tokens": tokens, "cross_heads": 2, **more})


def tokens(batch: int = 2, seconds: float = 1.0, seed: int = 0) -> dict[str, Tokens]:
    draw = torch.Generator().manual_seed(seed)
    sound, pictures = round(3.2 * seconds) + 1, round(4 * seconds)
    azimuth = torch.tensor([40.0, 15.0, -15.0, -40.0]).repeat(2)
    elevation = torch.tensor([20.0] * 4 + [-20.0] * 4)
    return {
        "clap": Tokens(
            torch.randn(batch, sound, 1, 6, generator=draw), (torch.arange(sound) / 3.2).expand(batch, -1),
            torch.full((batch, 1, 2), torch.nan), torch.ones(batch, sound, dtype=torch.bool),
        ),
        "owlvit": Tokens(
            torch.randn(batch, pictures, 8, 5, generator=draw), ((torch.arange(pictures) + 0.5) / 4).expand(batch, -1),
            torch.stack([azimuth, elevation], dim=1).expand(batch, -1, -1),
            torch.ones(batch, pictures, dtype=torch.bool),
        ),
    }  # fmt: skip
