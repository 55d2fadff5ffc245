"""The optimizer of a recipe."""

from __future__ import annotations

import torch
from torch import nn

from earwitness.training.recipe import OptimSpec


def make_optimizer(model: nn.Module, spec: OptimSpec) -> torch.optim.AdamW:
    """AdamW (without weight decay: Adam); its rate is set before each step."""
    return torch.optim.AdamW(parameter_groups(model, spec.weight_decay), lr=1.0, betas=spec.betas, fused=True)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and kernels with weight decay; biases, norms and scalars without. What is frozen is left out."""
    learnt = [value for value in model.parameters() if value.requires_grad]
    decayed = [value for value in learnt if value.ndim > 1]
    plain = [value for value in learnt if value.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
