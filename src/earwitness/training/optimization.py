"""The objective of training and its optimization: losses, optimizer, learning-rate schedule, and averaged weights.

`AdpitLoss` is the loss for multi-ACCDDOA outputs with auxiliary duplicating permutation invariant training (ADPIT),
vectorised. Source: Shimada et al. 2022, equations 5-7. It deliberately differs from the DCASE2025 baseline: the choice
of the assignment weighs direction first and distance only little (in metres it would dominate); distance is trained on
a log scale and, like the on-screen logit, only in active cells, since over 99 % of the cells are inactive.

`OfficialLoss` is the loss of the DCASE2025 baselines and equals their code up to rounding
(tests/data/golden/official_baseline). It deliberately keeps their weaknesses: distances in metres dominate, and
distance and on-screen are trained towards 0 in inactive cells too.

The learning rate is a pure function of the step, so that a resumed run needs no stored schedule. The moving average of
the weights is what is validated and exported.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from math import cos, pi
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.core.multi_accddoa import ASSIGNMENT_SOURCES, ASSIGNMENTS, DISTANCE, ONSCREEN, Y
from earwitness.models.dense_head import DIFFUSE, LEVEL, dense_estimates
from earwitness.models.network import ACTIVITY, SEVERAL
from earwitness.training.loop.distributed import process_mean
from earwitness.training.recipe_sections import LossSpec, OptimSpec

MIN_METRES: Final = 0.05
ONECYCLE_START: Final = 1 / 25
"""First rate of OneCycle relative to its peak (Smith & Topin 2018)."""


@dataclass(frozen=True, slots=True)
class LossParts:
    """Loss of one batch: `total` for the backward pass, and its parts, detached, for the log.

    `dense` is None for networks without a head for dense targets.
    """

    total: Tensor
    direction: Tensor
    distance: Tensor
    onscreen: Tensor
    activity: Tensor
    dense: Tensor | None = None

    def with_dense(self, loss: Tensor, weight: float) -> LossParts:
        """The same with the loss of the dense targets added."""
        return replace(self, total=self.total + weight * loss, dense=loss.detach())

    def blend(self, other: LossParts, share: float) -> LossParts:
        """`share` of this loss plus 1 - `share` of another."""
        pairs = {name: (getattr(other, name), getattr(self, name)) for name in self.__dataclass_fields__}
        return LossParts(**{name: torch.lerp(a, b, share) for name, (a, b) in pairs.items() if b is not None})


class AdpitLoss(nn.Module):
    """Loss of raw model outputs against slot targets.

    Args:
        spec: weights of the parts.
    """

    assignments: Tensor
    sources: Tensor
    class_weights: Tensor

    def __init__(self, spec: LossSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("assignments", torch.as_tensor(ASSIGNMENTS, dtype=torch.long))
        self.register_buffer("sources", torch.as_tensor(ASSIGNMENT_SOURCES, dtype=torch.long))
        self.register_buffer("class_weights", torch.tensor(spec.class_weights))

    def forward(self, raw: Tensor, active: Tensor, values: Tensor) -> LossParts:
        """Score a batch.

        Args:
            raw: (B, T, 3, classes, 4) float32: x, y, ln(metres), on-screen logit of each track. With a fifth field, the
                activity logit of the class, only that field is trained in inactive cells. With a sixth, the logit of
                several sources, tracks are assigned to sources from left to right, not by the least cost.
            active: (B, T, 3, classes) bool, slots that hold a source.
            values: (B, T, 3, classes, 4) x, y, metres, on-screen of each slot.
        """
        xy, log_metres, onscreen = values[..., :2], _log_metres(values), values[..., ONSCREEN]
        error = (raw[:, :, :, None, :, :2] - xy[:, :, None]).square().mean(-1)
        far = (raw[:, :, :, None, :, DISTANCE] - log_metres[:, :, None]).abs()
        cost = error + self.spec.choice_distance * far
        in_order = raw.shape[-1] > SEVERAL
        slot = _left_to_right(cost, active, values[..., Y]) if in_order else self._choose(cost, active)
        count = active.sum(dim=2, keepdim=True)
        sounding = (count > 0).expand_as(slot)
        target_xy = torch.gather(xy, 2, slot[..., None].expand(*slot.shape, 2)) * sounding[..., None]
        # The additional class for any sound has a weight of 1.
        weights = functional.pad(self.class_weights, (0, active.shape[-1] - len(self.class_weights)), value=1.0)
        emphasis = torch.where(sounding, self.spec.active_weight * weights, 1.0)
        weight = (sounding * weights).to(raw.dtype)
        total_weight = process_mean(weight.sum()).clamp_min(1.0)
        if raw.shape[-1] > ACTIVITY:
            # Vectors are not trained in inactive cells; the three tracks share the logit, so it counts once.
            direction = (((raw[..., :2] - target_xy).square().mean(-1)) * weight).sum() / total_weight
            activity = functional.binary_cross_entropy_with_logits(
                raw[:, :, 0, :, ACTIVITY], sounding[:, :, 0].to(raw.dtype), weight=emphasis[:, :, 0]
            )
        else:
            direction = ((raw[..., :2] - target_xy).square().mean(-1) * emphasis).mean()
            activity = raw.new_zeros(())
        far = functional.smooth_l1_loss(
            raw[..., DISTANCE], torch.gather(log_metres, 2, slot), reduction="none", beta=self.spec.distance_beta
        )
        seen = functional.binary_cross_entropy_with_logits(
            raw[..., ONSCREEN], torch.gather(onscreen, 2, slot), reduction="none"
        )
        distance, screen = (far * weight).sum() / total_weight, (seen * weight).sum() / total_weight
        total = self.spec.direction * direction + self.spec.distance * distance + self.spec.onscreen * screen
        total = total + self.spec.activity * activity
        if in_order:
            total = total + self.spec.several * _several_loss(raw, count, weight)
        return LossParts(total, direction.detach(), distance.detach(), screen.detach(), activity.detach())

    @torch.no_grad()
    def _choose(self, cost: Tensor, active: Tensor) -> Tensor:
        """Target slot (B, T, track, class) of each track, by the least cost (B, T, track, slot, class).

        Slot 0 in inactive cells.
        """
        tracks = torch.arange(self.assignments.shape[1], device=cost.device)
        per_assignment = cost[:, :, tracks, self.assignments].sum(dim=3)  # (B, T, 13 assignments, class)
        fits = self.sources[:, None] == active.sum(dim=2)[:, :, None]
        chosen = per_assignment.masked_fill(~fits, torch.inf).argmin(dim=2)
        return self.assignments[chosen].movedim(-1, 2)


@torch.no_grad()
def _left_to_right(cost: Tensor, active: Tensor, y: Tensor) -> Tensor:
    """Target slot (B, T, track, class) of each track: the leftmost source, the rightmost, and the one between them.

    Of two sources the third track takes the cheaper one. Slot 0 in inactive cells.

    Args:
        cost: (B, T, track, slot, class).
        active: (B, T, slot, class).
        y: (B, T, slot, class), left is positive.
    """
    left = y.masked_fill(~active, -torch.inf).argmax(dim=2)
    right = y.masked_fill(~active, torch.inf).argmin(dim=2)
    of_third = cost[:, :, 2]
    dearer = torch.gather(of_third, 2, left[:, :, None]) > torch.gather(of_third, 2, right[:, :, None])
    third = torch.where(dearer[:, :, 0], right, left)
    between = active.shape[2] - left - right  # the slots' numbers sum to 3
    third = torch.where(active.all(dim=2) & (left != right), between, third)
    return torch.stack([left, right, third], dim=2)


def _several_loss(raw: Tensor, count: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of the logits of several sources, over active cells; `count` and `weight` are (B, T, tracks, C)."""
    several = (count[:, :, 0] > 1).to(raw.dtype)
    loss = functional.binary_cross_entropy_with_logits(raw[:, :, 0, :, SEVERAL], several, reduction="none")
    return (loss * weight[:, :, 0]).sum() / process_mean(weight[:, :, 0].sum()).clamp_min(1.0)


def _log_metres(values: Tensor) -> Tensor:
    """Logarithm of the distances; the floor keeps it finite for empty slots, which hold 0 m."""
    return values[..., DISTANCE].clamp_min(MIN_METRES).log()


def dense_loss(raw: Tensor, targets: Tensor) -> Tensor:
    """Loss of the head for dense targets: level differences and diffuseness, each of weight 1.

    Squared error of the level difference, weighted by the share of direct sound, since a band without direct sound has
    none; cross-entropy of the diffuseness. Cells without energy are left out.

    Args:
        raw: (B, 2, T', mels) from `DenseHead`.
        targets: (B, 3, T', mels) of `dense_targets`.
    """
    level, diffuse, audible = targets.unbind(1)
    estimate = dense_estimates(raw)[:, LEVEL]
    share = (1 - diffuse) * audible
    off = ((estimate - level).square() * share).sum() / process_mean(share.sum()).clamp_min(1.0)
    each = functional.binary_cross_entropy_with_logits(raw[:, DIFFUSE], diffuse, reduction="none")
    return off + (each * audible).sum() / process_mean(audible.sum()).clamp_min(1.0)


class OfficialLoss(AdpitLoss):
    """Mean squared error of x, y and metres together, plus the cross-entropy of on-screen, over all cells.

    The assignment of tracks to sources is the one with the least mean squared error of x, y and metres, for on-screen
    too.

    Args:
        spec: weights of the parts; the official ones are all 1, with 0 for on-screen in the audio-only baseline. x and
            y make up two thirds of the mean and metres one third; the reported parts are these shares.
    """

    def forward(self, raw: Tensor, active: Tensor, values: Tensor) -> LossParts:
        """Score a batch.

        Args:
            raw: (B, T, 3, classes, 4) float32: x, y, metres, on-screen logit of each track.
            active: (B, T, 3, classes) bool, slots that hold a source.
            values: (B, T, 3, classes, 4) x, y, metres, on-screen of each slot; zeros in empty slots.
        """
        cost = (raw[:, :, :, None, :, : DISTANCE + 1] - values[:, :, None, ..., : DISTANCE + 1]).square().mean(-1)
        slot = self._choose(cost.detach(), active)
        chosen = torch.gather(values, 2, slot[..., None].expand_as(values))
        target = chosen * (active.sum(dim=2, keepdim=True) > 0)[..., None]
        squared = (raw[..., : DISTANCE + 1] - target[..., : DISTANCE + 1]).square().mean(dim=(0, 1, 2, 3))
        direction, distance = squared[:DISTANCE].sum() / (DISTANCE + 1), squared[DISTANCE] / (DISTANCE + 1)
        onscreen = functional.binary_cross_entropy_with_logits(raw[..., ONSCREEN], target[..., ONSCREEN])
        total = self.spec.direction * direction + self.spec.distance * distance + self.spec.onscreen * onscreen
        return LossParts(total, direction.detach(), distance.detach(), onscreen.detach(), raw.new_zeros(()))


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
