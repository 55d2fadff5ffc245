from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from earwitness.training.losses import AdpitLoss, OfficialLoss
from earwitness.training.recipe_sections import LossSpec

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "official_baseline" / "official_loss.npz"
SLOTS = {1: (0,), 2: (1, 2), 3: (3, 4, 5)}
"""Where the official targets hold the sources of a class, by their number."""


def official(onscreen):
    return LossSpec(form="official", direction=1, distance=1, onscreen=onscreen, choice_distance=0)


def slots(target):
    """Official targets (B, T, 6, E, 13) as active (B, T, 3, 13) and values (B, T, 3, 13, 4)."""
    batch, time, _, elements, classes = target.shape
    active = torch.zeros(batch, time, 3, classes, dtype=torch.bool)
    values = torch.zeros(batch, time, 3, classes, 4)
    for b, t, c in product(range(batch), range(time), range(classes)):
        for places in SLOTS.values():
            if all(target[b, t, place, 0, c] for place in places):
                for slot, place in enumerate(places):
                    active[b, t, slot, c] = True
                    values[b, t, slot, c, : elements - 1] = target[b, t, place, 1:, c]
    return active, values


@pytest.mark.parametrize(("modality", "onscreen"), [("audio", 0), ("audio_visual", 1)])
def test_equals_the_official_code_in_value_and_gradient(modality, onscreen):
    golden = {name: torch.as_tensor(value) for name, value in np.load(GOLDEN).items()}
    output = golden[f"{modality}_output"].requires_grad_()
    raw = output.movedim(3, 4)
    screen = torch.logit(raw[..., 3:]) if onscreen else raw[..., :1] * 0  # the official output is a probability
    active, values = slots(golden[f"{modality}_target"])
    total = OfficialLoss(official(onscreen))(torch.cat([raw[..., :3], screen], dim=-1), active, values).total
    assert float(total.detach()) == pytest.approx(float(golden[f"{modality}_loss"]), abs=1e-6)
    (gradient,) = torch.autograd.grad(total, output)
    torch.testing.assert_close(gradient, golden[f"{modality}_gradient"], rtol=0, atol=1e-6)


def test_metres_take_part_in_the_choice():
    raw = torch.zeros(1, 1, 3, 13, 4)
    raw[..., 2] = torch.tensor([1.0, 5.0, 5.0])[None, None, :, None]
    active = torch.zeros(1, 1, 3, 13, dtype=torch.bool)
    active[:, :, :2] = True
    values = torch.zeros(1, 1, 3, 13, 4)
    values[:, :, 0, :, 2], values[:, :, 1, :, 2] = 5.0, 1.0
    assert OfficialLoss(official(0))(raw, active, values).distance == 0


def test_silence_is_learnt_in_all_parts_as_the_official_code_has_it():
    raw = torch.zeros(1, 1, 3, 13, 4)
    raw[..., 2] = 2.0
    silence = torch.zeros(1, 1, 3, 13, dtype=torch.bool)
    parts = OfficialLoss(official(1))(raw, silence, torch.zeros_like(raw))
    torch.testing.assert_close(parts.distance, torch.tensor(4.0 / 3))
    torch.testing.assert_close(parts.onscreen, torch.tensor(2.0).log())
    ours = AdpitLoss(LossSpec())(raw, silence, torch.zeros_like(raw))
    assert ours.distance == 0.0


def test_parts_add_up():
    draw = torch.Generator().manual_seed(1)
    raw, values = torch.randn(2, 4, 3, 13, 4, generator=draw), torch.rand(2, 4, 3, 13, 4, generator=draw)
    active = torch.zeros(2, 4, 3, 13, dtype=torch.bool)
    active[:, :, 0] = True
    parts = OfficialLoss(official(1))(raw, active, values)
    torch.testing.assert_close(parts.total, parts.direction + parts.distance + parts.onscreen)
    one = values[:, :, :1].expand_as(values)
    torch.testing.assert_close(parts.direction + parts.distance, functional.mse_loss(raw[..., :3], one[..., :3]))
