"""The optimizer of a recipe.

Learning rates by step: pure functions of the step, so that nothing has to be stored to resume.

Exponential moving average of a model's weights: what is validated and exported.
"""

from __future__ import annotations

import copy
from math import cos, pi
from typing import Final, cast

import torch
from torch import Tensor, nn

from earwitness.training.recipe import OptimSpec

ONECYCLE_START: Final = 1 / 25
"""First rate of OneCycle relative to its peak (Smith & Topin 2018)."""


def learning_rate(spec: OptimSpec, step: int, steps: int) -> float:
    """Rate of optimizer step `step`, 0 <= step < steps.

    `onecycle` rises by a half cosine from peak / 25, the others by a straight line from near zero; `constant` stays
    at the peak, the others fall by a half cosine to peak * final.
    """
    rising = round(spec.warmup * steps)
    if step < rising:
        done = (step + 1) / rising
        if spec.schedule == "onecycle":
            return spec.peak * (ONECYCLE_START + (1 - ONECYCLE_START) * (1 - cos(pi * done)) / 2)
        return spec.peak * done
    if spec.schedule == "constant":
        return spec.peak
    done = (step - rising) / max(steps - 1 - rising, 1)
    return spec.peak * (spec.final + (1 - spec.final) * (1 + cos(pi * done)) / 2)


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


def make_optimizer(model: nn.Module, spec: OptimSpec) -> torch.optim.AdamW:
    """AdamW (without weight decay: Adam); its rate is set before each step."""
    return torch.optim.AdamW(parameter_groups(model, spec.weight_decay), lr=1.0, betas=spec.betas, fused=True)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and kernels with weight decay; biases, norms and scalars without. What is frozen is left out."""
    learnt = [value for value in model.parameters() if value.requires_grad]
    decayed = [value for value in learnt if value.ndim > 1]
    plain = [value for value in learnt if value.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
