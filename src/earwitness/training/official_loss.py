"""The loss of the official DCASE2025 baselines, for recipes that repeat them as they are.

Source: Shimada et al. 2022 (ADPIT) as the DCASE2025 baseline extends it, whose code this equals to rounding
(tests/data/golden/official_baseline). Its weaknesses are kept on purpose: distances are learnt in metres, so that they
dominate, and distance and on-screen are learnt in silence too, where both are 0.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from earwitness.accddoa import DISTANCE, ONSCREEN
from earwitness.training.losses import AdpitLoss, LossParts


class OfficialLoss(AdpitLoss):
    """Mean squared error of x, y and metres together, plus the cross-entropy of on-screen, over all cells alike.

    Of the assignments of tracks to sources, the one with the least mean squared error of x, y and metres counts; it
    decides on-screen too.

    Args:
        spec: weights of the parts; the official ones are all 1, and on-screen 0 for sound alone. x and y make up two
            thirds of the mean, metres one third: the reported parts are these shares.
    """

    def forward(self, raw: Tensor, active: Tensor, values: Tensor) -> LossParts:
        """Score a batch.

        Args:
            raw: (B, T, 3, 13, 4) float32: x, y, metres, on-screen logit of each track.
            active: (B, T, 3, 13) bool, slots that hold a source.
            values: (B, T, 3, 13, 4) x, y, metres, on-screen of each slot; zeros in empty slots.
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
