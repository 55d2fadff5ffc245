"""How far away by how reverberant: a short way from the coherence of the channels to the distance."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_SPANS: Final = (25, 75, 175)
"""Feature frames, odd, over which the coherence around a label frame is averaged."""
_HIDDEN: Final = 64
_TYPICAL, _SPREAD = 0.8, 0.2
"""Of the coherence of rooms."""
_LOWEST: Final = -10.0
"""Decimal logarithm of the power of silence."""


class Reverberance(nn.Module):
    """Log distance, to be added, from the coherence that the loud cells around each label frame have.

    Direct sound is coherent, reverberant sound is not, and far sources have more of that. What tells is the average
    over a second or so, weighted by power, which deep networks were slow to find.

    Args:
        mels: bands.
        frames_per_label: feature frames of a label frame.
    """

    def __init__(self, mels: int, frames_per_label: int) -> None:
        super().__init__()
        self.frames_per_label = frames_per_label
        inputs = mels * len(_SPANS)
        # Not normalised clip by clip: the mean over all bands says most.
        self.hidden = nn.Sequential(nn.Linear(inputs, _HIDDEN), nn.SiLU())
        self.out = nn.Linear(_HIDDEN, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, log_power: Tensor, coherence: Tensor) -> Tensor:
        """Decimal logarithm of power and coherence (B, T, mels) -> (B, T / frames_per_label) ln(metres)."""
        power = torch.pow(10.0, log_power.float().clamp_min(_LOWEST)).transpose(1, 2)
        both = torch.cat([power * coherence.float().transpose(1, 2), power], dim=1)
        labels = functional.avg_pool1d(both, self.frames_per_label)
        steady = torch.cat([self._ratio(labels, span // self.frames_per_label) for span in _SPANS], dim=1)
        centred = (steady.transpose(1, 2) - _TYPICAL) / _SPREAD
        metres: Tensor = self.out(self.hidden(centred))[..., 0]
        return metres.float()

    def _ratio(self, both: Tensor, span: int) -> Tensor:
        """Power-weighted mean over `span` label frames of (B, 2 mels, T'), the weighted above the weights."""
        above, below = functional.avg_pool1d(both, span, 1, span // 2).chunk(2, dim=1)
        return above / below.clamp_min(10.0**_LOWEST * 1e-3)
