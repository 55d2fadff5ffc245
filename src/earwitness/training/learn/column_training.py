"""Training of the columns of new classes on the outputs of the body; everything else of the network stays unchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earwitness.models.seld import BodyOutput, SeldNet
from earwitness.training.learn.class_columns import replaced_columns, trainable_columns, with_columns
from earwitness.training.learn.learn_scenes import LearnScenes
from earwitness.training.optimization import AdpitLoss
from earwitness.training.recipe_sections import LossSpec

BATCH: Final = 24
PEAK: Final = 3e-3
WEIGHT_DECAY: Final = 0.05
DROPOUT: Final = 0.3
"""Share of the body's outputs that a scene lacks: few recordings would otherwise be learnt by heart."""
PASSES: Final = 12
FEWEST_STEPS: Final = 200
_WARM_UP: Final = 0.1
_LOSS: Final = LossSpec(direction=2.0, distance=0.5, onscreen=0.05, activity=4.0, active_weight=2.0)
_OUTPUT_BATCH: Final = 100


def train_columns(
    net: SeldNet,
    scenes: LearnScenes,
    rows: NDArray[np.intp],
    classes: Sequence[int],
    progress: Callable[[int, int], None] | None = None,
) -> SeldNet:
    """A copy of a network, with the columns of some classes trained; those of the others stay exactly as they are.

    Args:
        net: the network.
        scenes: rendered scenes.
        rows: numbers of the scenes to train on.
        classes: indices of the classes.
        progress: called with (steps done, all steps).
    """
    columns = with_columns(net, classes)  # without the others, a step takes a fraction of the time
    optimizer = torch.optim.AdamW(trainable_columns(columns), lr=PEAK, weight_decay=0.0)
    loss, order = AdpitLoss(_LOSS), np.random.default_rng(0)
    chosen = torch.tensor(list(classes))
    per_pass = max(1, len(rows) // BATCH)
    steps = max(PASSES * per_pass, FEWEST_STEPS)
    torch.manual_seed(0)
    for step in range(steps):
        if step % per_pass == 0:
            shuffled = order.permutation(rows)
        part = shuffled[step % per_pass * BATCH : (step % per_pass + 1) * BATCH]
        for group in optimizer.param_groups:
            group["lr"] = PEAK * _share(step / steps)
        raw = columns.heads(_dropped(scenes.body(part)))[..., : len(classes), :]
        active = torch.from_numpy(scenes.active[part])[..., chosen]
        values = torch.from_numpy(scenes.values[part]).float()[..., chosen, :]
        optimizer.zero_grad(set_to_none=True)
        total = loss(raw, active, values).total + _decay(columns)
        total.backward()
        optimizer.step()
        if progress is not None:
            progress(step + 1, steps)
    return replaced_columns(net, columns, classes)


def outputs(net: SeldNet, scenes: LearnScenes, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Physical fields (n, T, 3, classes, 4) of some scenes."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows), _OUTPUT_BATCH):
            part = rows[start : start + _OUTPUT_BATCH]
            parts.append(net.physical(net.heads(scenes.body(part))).numpy())
    return np.concatenate(parts)


def _share(done: float) -> float:
    """Learning rate relative to its peak: linear warm-up, then cosine."""
    if done < _WARM_UP:
        return (done + 1e-3) / _WARM_UP
    return 0.5 * (1 + cos(pi * (done - _WARM_UP) / (1 - _WARM_UP))) + 1e-3


def _dropped(body: BodyOutput) -> BodyOutput:
    tagging = None if body.tagging is None else _dropped_values(body.tagging, DROPOUT)
    return BodyOutput(_dropped_values(body.frames, DROPOUT / 3), tagging, body.log_metres)


def _dropped_values(values: Tensor, share: float) -> Tensor:
    """Values (B, T, width) without a share of the width, the same in all frames of a scene."""
    kept = torch.rand(values.shape[0], 1, values.shape[2]) >= share
    return values * (kept / (1 - share))


def _decay(columns: SeldNet) -> Tensor:
    """Weight decay of the probe, whose many inputs would fit few recordings by heart."""
    if columns.probe is None:
        return torch.zeros(())
    return WEIGHT_DECAY * columns.probe.weight.square().sum(dim=1).mean()
