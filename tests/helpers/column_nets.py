"""Tiny networks with every part that depends on the classes."""

from __future__ import annotations

from typing import Any

import torch

from earwitness.models.architectures import model_config
from earwitness.models.checkpoint import build

TINY: dict[str, Any] = {
    "in_channels": 5, "mels": 64, "stem_width": 4, "stem_kernel": 3, "widths": (4, 8), "pools": ((5, 2), (1, 2)),
    "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "activity": "logit", "common": True,
}  # fmt: skip
ALL_PARTS: dict[str, Any] = {
    "architecture": "seld", "tagger": True, "tagger_probe": True, "whole_clip": True, "distance_head": True,
    "any_sound": True, "reverberance": (0, 1),
}  # fmt: skip
SYMMETRIC: dict[str, Any] = {"architecture": "symmetric", "odd_channels": (1,), "whole_clip": True}


def network(parts: dict[str, Any]) -> Any:
    torch.manual_seed(3)
    net = build(model_config({**TINY, **parts}))
    for parameter in net.parameters():  # parts that begin with zeros would hide mistakes
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    return net.eval()
