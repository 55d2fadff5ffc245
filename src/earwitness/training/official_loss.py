"""The loss of the official DCASE2025 baselines, for recipes that repeat them as they are.

Source: Shimada et al. 2022 (ADPIT) as the DCASE2025 baseline extends it. Its weaknesses are kept on purpose: distances
are learnt in metres, so that they dominate, and distance and on-screen are learnt in silence too, where both are 0.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from earwitness.accddoa import DISTANCE, ONSCREEN
from earwitness.training.losses import AdpitLoss, LossParts


class OfficialLoss(AdpitLoss):
    """Mean squared error of x and y and of metres, cross-entropy of on-screen, over all cells alike.

    Of the assignments of tracks to sources, the one with the least error of x and y counts.

    Args:
        spec: weights of the parts; the official ones are all 1, and on-screen 0 for sound alone.
    """

    def forward(self, raw: Tensor, active: Tensor, values: Tensor) -> LossParts:
        """Score a batch.

        Args:
            raw: (B, T, 3, 13, 4) float32: x, y, metres, on-screen logit of each track.
            active: (B, T, 3, 13) bool, slots that hold a source.
            values: (B, T, 3, 13, 4) x, y, metres, on-screen of each slot; zeros in empty slots.
        """
        slot = self._choose(raw, active, values[..., :2], values[..., DISTANCE])
        chosen = torch.gather(values, 2, slot[..., None].expand_as(values))
        target = chosen * (active.sum(dim=2, keepdim=True) > 0)[..., None]
        direction = functional.mse_loss(raw[..., :2], target[..., :2])
        distance = functional.mse_loss(raw[..., DISTANCE], target[..., DISTANCE])
        onscreen = functional.binary_cross_entropy_with_logits(raw[..., ONSCREEN], target[..., ONSCREEN])
        total = self.spec.direction * direction + self.spec.distance * distance + self.spec.onscreen * onscreen
        return LossParts(total, direction.detach(), distance.detach(), onscreen.detach(), raw.new_zeros(()))
