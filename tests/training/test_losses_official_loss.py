from itertools import product

import torch
from torch.nn import functional

from earwitness.training.losses import AdpitLoss, OfficialLoss
from earwitness.training.recipe import LossSpec

OFFICIAL = LossSpec(form="official", direction=1, distance=1, onscreen=1, choice_distance=0)


def sample(seed):
    draw = torch.Generator().manual_seed(seed)
    raw = torch.randn(2, 4, 3, 13, 4, generator=draw)
    count = torch.randint(0, 4, (2, 4, 13), generator=draw)
    active = torch.arange(3)[None, None, :, None] < count[:, :, None]
    values = torch.rand(2, 4, 3, 13, 4, generator=draw) * active[..., None]
    values[..., 3] = (values[..., 3] > 0.5).float()
    return raw, active, values


def by_hand(raw, active, values):
    """Cell by cell: the best assignment by x and y of tracks to all sources of the cell decides all three parts."""
    total = 0.0
    for b, t, c in product(range(2), range(4), range(13)):
        out, sources = raw[b, t, :, c], values[b, t, active[b, t, :, c], c]
        if len(sources):
            ways = [w for w in product(range(len(sources)), repeat=3) if len(set(w)) == len(sources)]
            targets = [sources[list(way)] for way in ways]
            target = min(targets, key=lambda one: functional.mse_loss(out[:, :2], one[:, :2]))
        else:
            target = torch.zeros(3, 4)
        total += functional.mse_loss(out[:, :2], target[:, :2]) + functional.mse_loss(out[:, 2], target[:, 2])
        total += functional.binary_cross_entropy_with_logits(out[:, 3], target[:, 3])
    return total / (2 * 4 * 13)


def test_equals_the_loss_by_hand():
    for seed in range(3):
        given = sample(seed)
        torch.testing.assert_close(OfficialLoss(OFFICIAL)(*given).total, by_hand(*given), rtol=1e-5, atol=1e-6)


def test_silence_is_learnt_in_all_parts_as_the_official_code_has_it():
    raw = torch.zeros(1, 1, 3, 13, 4)
    raw[..., 2] = 2.0
    parts = OfficialLoss(OFFICIAL)(raw, torch.zeros(1, 1, 3, 13, dtype=torch.bool), torch.zeros_like(raw))
    assert parts.distance == 4.0
    torch.testing.assert_close(parts.onscreen, torch.tensor(2.0).log())
    ours = AdpitLoss(LossSpec())(raw, torch.zeros(1, 1, 3, 13, dtype=torch.bool), torch.zeros_like(raw))
    assert ours.distance == 0.0
