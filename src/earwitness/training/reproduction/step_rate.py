"""Training speed of a recipe's network, measured on random clips."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch

from earwitness.models.architectures import token_widths
from earwitness.models.checkpoint import build, parameter_count
from earwitness.models.network import Tokens
from earwitness.training.loop.distributed import fast_bf16, pick_device
from earwitness.training.loop.optimizer import make_optimizer
from earwitness.training.losses import AdpitLoss, OfficialLoss
from earwitness.training.recipe import Recipe, load_recipe
from earwitness.training.reproduction.scales import NETWORK, ReproductionScale
from earwitness.training.shipped_recipes import find_recipe

_MOST_CLIPS: Final = 16
_LARGE: Final = 10_000_000
_FEW_CLIPS: Final = 2
"""Clips per step of networks with more parameters than `_LARGE` on a CPU."""
_STEPS: Final = 2
_TOKEN_STEPS: Final = 10
_POSITIONS: Final = 24


def network_recipe(scale: ReproductionScale) -> Recipe:
    """The recipe of the network with both modalities."""
    return load_recipe(find_recipe(NETWORK), _overrides(scale.network))


def baseline_recipe(scale: ReproductionScale) -> Recipe:
    """The recipe of the official audio baseline."""
    return load_recipe(find_recipe("official-baseline-audio"), _overrides(scale.baseline))


def parameters(recipe: Recipe) -> int:
    """Parameters of its network."""
    with torch.device("meta"):
        return parameter_count(build(recipe.model))


def step_rate(recipe: Recipe, device_name: str) -> float:
    """Clips per second of optimizer steps, without the time to read clips."""
    device = pick_device(device_name)
    net = build(recipe.model).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    small = device.type == "cpu" and parameter_count(net) > _LARGE
    batch = _FEW_CLIPS if small else min(_MOST_CLIPS, recipe.run.batch)
    bf16 = recipe.run.precision != "fp32" and fast_bf16(device)
    loss = (OfficialLoss if recipe.loss.form == "official" else AdpitLoss)(recipe.loss).to(device)
    optimizer, config = make_optimizer(net, recipe.optim), recipe.model
    features = torch.randn(batch, config.in_channels, 50 * config.frames_per_label, config.mels, device=device)
    active = torch.rand(batch, 50, 3, config.classes, device=device) < 0.02
    values = torch.rand(batch, 50, 3, config.classes, 4, device=device)
    tokens = {name: _random_tokens(dim, batch).to(device) for name, dim in token_widths(config).items()}

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            raw = net(features, tokens)
        optimizer.zero_grad(set_to_none=True)
        loss(raw.float(), active, values).total.backward()
        optimizer.step()

    for group in optimizer.param_groups:
        group["lr"] = 1e-4
    step()
    _wait(device)
    begun = time.perf_counter()
    for _ in range(_STEPS):
        step()
    _wait(device)
    return _STEPS * batch / (time.perf_counter() - begun)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _random_tokens(dim: int, batch: int) -> Tokens:
    """Random tokens of a modality, with as many positions as a row of a picture's grid."""
    times = np.tile((np.arange(_TOKEN_STEPS, dtype=np.float32) + 0.5) / 2, (batch, 1))
    return Tokens(
        torch.randn(batch, _TOKEN_STEPS, _POSITIONS, dim),
        torch.from_numpy(times),
        torch.zeros(batch, _POSITIONS, 2),
        torch.ones(batch, _TOKEN_STEPS, dtype=torch.bool),
    )


def _overrides(changes: Mapping[str, Any]) -> list[str]:
    return [f"{key}={json.dumps(value)}" for key, value in changes.items()]
