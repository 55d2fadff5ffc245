"""A network run on the clip and on its left-right swapped version: test-time augmentation inside the model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from earwitness.features import FeatureConfig, swap
from earwitness.models.network import Network
from earwitness.models.seld import SeldNet
from earwitness.models.token_batch import TokenBatch


class MirroredNetwork(Network):
    """Mean of a network's outputs for a clip and for its mirror image, mirrored back; twice the computation.

    Physical fields are averaged, track by track, so that any network can be mirrored.

    Args:
        network: the network to run.
        features: its features, from which the mirror image is computed.

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
        # `swap` applied to channel numbers gives the source and the sign of each channel of the mirror image.
        swapped = swap(np.arange(1.0, channels + 1)[:, None, None], features)[:, 0, 0]
        self.register_buffer("order", torch.from_numpy(np.abs(swapped).astype(np.int64) - 1))
        self.register_buffer("sign", torch.from_numpy(np.sign(swapped).astype(np.float32))[:, None, None])
        self.register_buffer("back", torch.tensor([1.0, -1.0, 1.0, 1.0]))

    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> Tensor:
        """Physical fields, followed by those of the class for any sound, where the network has it.

        `tokens` are used for the clip and its mirror image, so they must not depend on the side.
        """
        # The tagger's input is the mid channel, which is the same in the mirror image: it runs once.
        tagging = [self.network.run_tagger(features)] if isinstance(self.network, SeldNet) else []
        plain = self._all_physical(self.network(features, tokens, *tagging))
        mirror = self._all_physical(self.network(features[:, self.order] * self.sign, tokens, *tagging))
        mean: Tensor = (plain + mirror * self.back) / 2
        return mean

    def _all_physical(self, raw: Tensor) -> Tensor:
        if not self.has_any_sound:
            return self.network.physical(raw)
        return torch.cat([self.network.physical(raw), self.network.physical_any_sound(raw)], dim=-2)

    def physical(self, raw: Tensor) -> Tensor:
        """The fields of the classes, which are physical already."""
        return raw[..., : self.config.classes, :]

    def physical_any_sound(self, raw: Tensor) -> Tensor:
        """The fields of the class for any sound, which are physical already."""
        return raw[..., self.config.classes :, :]
