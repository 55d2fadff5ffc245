"""Small networks on single feature channels, whose outputs join those of the convolutions; all add nothing at first."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_SPANS: Final = (25, 75, 175)
"""Spans in feature frames, odd, over which the coherence around a label frame is averaged."""
_HIDDEN: Final = 64
_LAG_HIDDEN: Final = 128
_TYPICAL, _SPREAD = 0.8, 0.2
"""Mean and deviation of the coherence in rooms."""
_LOWEST: Final = -10.0
"""Decimal logarithm of the power of silence."""


class Reverberance(nn.Module):
    """Addition to the log distance, from the power-weighted coherence around each label frame.

    Direct sound is coherent, reverberant sound is not, and its share grows with distance. The informative quantity is
    the power-weighted mean over about a second, which deep networks were slow to find.

    Args:
        mels: bands.
        frames_per_label: feature frames per label frame.
    """

    def __init__(self, mels: int, frames_per_label: int) -> None:
        super().__init__()
        self.frames_per_label = frames_per_label
        inputs = mels * len(_SPANS)
        # No normalisation per clip: the mean over all bands is the most informative part.
        self.hidden = nn.Sequential(nn.Linear(inputs, _HIDDEN), nn.SiLU())
        self.out = nn.Linear(_HIDDEN, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, log_power: Tensor, coherence: Tensor) -> Tensor:
        """Decimal logarithm of power and coherence (B, T, mels) -> (B, T / frames_per_label) ln(metres)."""
        power = torch.pow(10.0, log_power.float().clamp_min(_LOWEST)).transpose(1, 2)
        both = torch.cat([power * coherence.float().transpose(1, 2), power], dim=1)
        labels = functional.avg_pool1d(both, self.frames_per_label)
        steady = torch.cat([self.weighted_mean(labels, span // self.frames_per_label) for span in _SPANS], dim=1)
        centred = (steady.transpose(1, 2) - _TYPICAL) / _SPREAD
        metres: Tensor = self.out(self.hidden(centred))[..., 0]
        return metres.float()

    def weighted_mean(self, both: Tensor, span: int) -> Tensor:
        """Weighted mean over `span` label frames of (B, 2 mels, T'): weighted values first, then the weights."""
        above, below = functional.avg_pool1d(both, span, 1, span // 2).chunk(2, dim=1)
        return above / below.clamp_min(10.0**_LOWEST * 1e-3)


class Lags(nn.Module):
    """Addition to the Conformer's input from the GCC-PHAT: what time differences say about directions.

    Convolutions would treat lags as frequencies and all positions alike, but a lag's position is its meaning.

    Args:
        lags: their number.
        dim: width of the Conformer.
        frames_per_label: feature frames per label frame.
    """

    def __init__(self, lags: int, dim: int, frames_per_label: int) -> None:
        super().__init__()
        self.frames_per_label = frames_per_label
        self.frame = nn.Sequential(nn.Linear(lags, _LAG_HIDDEN), nn.SiLU())
        last = nn.Linear(_LAG_HIDDEN, dim)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.out = nn.Sequential(nn.Linear(_LAG_HIDDEN, _LAG_HIDDEN), nn.SiLU(), last)

    def forward(self, lags: Tensor) -> Tensor:
        """(B, T, lags) -> (B, T / frames_per_label, dim)."""
        # Before averaging, so that single frames, such as onsets without reverberation, can count more than others.
        hidden = functional.avg_pool1d(self.frame(lags).transpose(1, 2), self.frames_per_label)
        added: Tensor = self.out(hidden.transpose(1, 2))
        return added
