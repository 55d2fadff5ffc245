"""The optimizer, its learning-rate schedule, and the moving average of the weights that is validated and exported.

The learning rate is a pure function of the step, so that a resumed run needs no stored schedule.
"""

from __future__ import annotations

import copy
from math import cos, pi
from typing import Final, cast

import torch
from torch import Tensor, nn

from earwitness.training.recipe_sections import OptimSpec

ONECYCLE_START: Final = 1 / 25
"""First rate of OneCycle relative to its peak (Smith & Topin 2018)."""


def learning_rate(spec: OptimSpec, step: int, steps: int) -> float:
    """Learning rate of optimizer step `step`, 0 <= step < steps.

    `onecycle` warms up along a half cosine from peak / 25, the others linearly from near zero. `constant` then stays at
    the peak; the others decay along a half cosine to peak * final.
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
    """Exponential moving average of a model's weights.

    The decay starts low and rises to its value, so that the average forgets the random initial weights (as in
    TensorFlow's ExponentialMovingAverage with num_updates).

    Args:
        model: the model to average.
        decay: in [0, 1); 0 copies the weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Update the average with the weights after optimizer step `step` (counted from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        new, old = model.state_dict(), self.model.state_dict()
        floating = [name for name, value in old.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [cast(Tensor, old[name]) for name in floating], [new[name] for name in floating], 1.0 - decay
        )
        for name in old.keys() - set(floating):
            old[name].copy_(new[name])


def make_optimizer(model: nn.Module, spec: OptimSpec) -> torch.optim.AdamW:
    """AdamW (Adam if weight decay is 0); the learning rate is set before each step."""
    return torch.optim.AdamW(parameter_groups(model, spec.weight_decay), lr=1.0, betas=spec.betas, fused=True)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and kernels with weight decay; biases, norms and scalars without; no frozen parameters."""
    learnt = [value for value in model.parameters() if value.requires_grad]
    decayed = [value for value in learnt if value.ndim > 1]
    plain = [value for value in learnt if value.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
