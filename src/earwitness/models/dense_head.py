"""A head for training only: level difference and diffuseness of each mel band, from the maps of the convolutions.

Such targets for every cell are known for simulated scenes. They tell the convolutions where each band's sound comes
from and how much of it is direct sound, which the labels of the events say for the clip's sources as a whole only.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from earwitness.core.errors import ModelError
from earwitness.models.network import TokenBatch
from earwitness.models.seld import SeldNet
from earwitness.models.seld_config import SeldShape

LEVEL, DIFFUSE = 0, 1
"""Planes of the head's output."""
PLANES: Final = 2
TYPICAL_LOGIT: Final = 1.4
"""Initial logit of the diffuseness: the mean in scenes is about 0.8."""


class DenseHead(nn.Module):
    """One 1x1 convolution: each bin of the maps gives the mel bands that it covers.

    Args:
        config: dimensions of the network.
    """

    def __init__(self, config: SeldShape) -> None:
        super().__init__()
        bands = config.mels // config.bins_out
        self.out = nn.Conv2d(config.widths[-1], PLANES * bands, 1)
        # Starts without influence on the maps of a network that is trained further.
        nn.init.zeros_(self.out.weight)
        bias = torch.zeros(PLANES, bands)
        bias[DIFFUSE] = TYPICAL_LOGIT
        self.out.bias = nn.Parameter(bias.flatten())

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, C, T', bins) -> (B, 2, T', mels): level difference before tanh, logit of the diffuseness."""
        cells = self.out(maps).float().unflatten(1, (PLANES, -1))  # (B, 2, bands of a bin, T', bins)
        dense: Tensor = cells.permute(0, 1, 3, 4, 2).flatten(3)
        return dense


class DenselyTrained(nn.Module):
    """A network in training, with its head for dense targets beside it.

    The head is no part of the network, so checkpoints and exports do not have it.

    Args:
        net: the network.

    Raises:
        ModelError: the network has no such maps.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        if not isinstance(net, SeldNet):
            raise ModelError(f"model.dense: a network of {type(net).__name__} has no maps for dense targets")
        self.net, self.head = net, DenseHead(net.config)

    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> tuple[Tensor, Tensor]:
        """Raw fields as `SeldNet.forward`, and the output of the head."""
        body = self.net.body(features, tokens)
        assert body.maps is not None
        return self.net.heads(body), self.head(body.maps)


def dense_estimates(raw: Tensor) -> Tensor:
    """Output (B, 2, T', mels) of the head as level difference in (-1, 1), left positive, and diffuseness in (0, 1)."""
    return torch.stack([torch.tanh(raw[:, LEVEL]), torch.sigmoid(raw[:, DIFFUSE])], dim=1)
