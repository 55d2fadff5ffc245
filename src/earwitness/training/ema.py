"""Exponential moving average of a model's weights: what is validated and exported."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn


class Ema:
    """Averaged copy of a model.

    The decay starts low and rises to its value, so that the average forgets the random start (as in TensorFlow's
    ExponentialMovingAverage with num_updates).

    Args:
        model: what to follow.
        decay: in [0, 1); 0 copies.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after optimizer step `step` (counted from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        new, old = model.state_dict(), self.model.state_dict()
        floating = [name for name, value in old.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [cast(Tensor, old[name]) for name in floating], [new[name] for name in floating], 1.0 - decay
        )
        for name in old.keys() - set(floating):
            old[name].copy_(new[name])
