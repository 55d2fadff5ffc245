"""A network heard twice, as it is and left-right swapped: test-time augmentation inside the model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from earwitness.features import FeatureConfig, swap
from earwitness.models.network import Network
from earwitness.models.seld import SeldNet
from earwitness.models.token_batch import TokenBatch


class MirroredNetwork(Network):
    """The mean of a network's answers to a clip and, turned back, to its mirror image; twice the work.

    What is averaged are physical fields, so that any network can be mirrored; tracks are taken as they come.

    Args:
        network: what hears.
        features: what it hears; the mirror image is made from them.

    Raises:
        UsageError: the features cannot be swapped.
    """

    order: Tensor
    sign: Tensor
    back: Tensor

    def __init__(self, network: Network, features: FeatureConfig) -> None:
        super().__init__()
        self.network, self.config = network, network.config
        self.scaler = network.scaler
        channels = len(features.channels)
        # Which channel, with which sign, each channel of the mirror image is: asked of the one function that knows.
        swapped = swap(np.arange(1.0, channels + 1)[:, None, None], features)[:, 0, 0]
        self.register_buffer("order", torch.from_numpy(np.abs(swapped).astype(np.int64) - 1))
        self.register_buffer("sign", torch.from_numpy(np.sign(swapped).astype(np.float32))[:, None, None])
        self.register_buffer("back", torch.tensor([1.0, -1.0, 1.0, 1.0]))

    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> Tensor:
        """Physical fields; `tokens` go with the clip and its mirror image alike, so they must not tell sides."""
        # A tagger hears mid, which is the same in the mirror: once is enough.
        known = [self.network.thoughts(features)] if isinstance(self.network, SeldNet) else []
        plain = self.network.physical(self.network(features, tokens, *known))
        mirror = self.network.physical(self.network(features[:, self.order] * self.sign, tokens, *known))
        mean: Tensor = (plain + mirror * self.back) / 2
        return mean

    def physical(self, raw: Tensor) -> Tensor:
        """They are physical already."""
        return raw
