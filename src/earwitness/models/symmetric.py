"""Mirror symmetry: the output for a clip with left and right swapped is exactly mirrored.

`MirroredNetwork` runs any network on the clip and on its mirror image: test-time augmentation inside the model.
`SymmetricNet` is symmetric by construction, at about the cost of one pass. All its maps are pairs, one for the clip and
one for its mirror image, stacked along the batch. Each layer has separate weights for their sum (left-right even) and
their difference (odd); swapping left and right only swaps the maps of a pair. A pair of width C costs half as much as a
network of width 2 C, so choose about 0.7 times the widths of a network without symmetry.

Source: Cohen and Welling 2016, group-equivariant networks, for the group of order two, with the regular representation
throughout, so that activations and normalisations apply to each map of a pair unchanged.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.core.multi_accddoa import DISTANCE, Y
from earwitness.features import FeatureConfig, swap
from earwitness.models.architectures import SymmetricConfig
from earwitness.models.network import (
    FIELDS,
    LEFTMOST,
    RIGHTMOST,
    SEVERAL,
    Network,
    TokenBatch,
    probabilities,
    separated,
    with_length,
)
from earwitness.models.seld import TYPICAL_LOG_METRES, BodyOutput, SeldNet

_EXCHANGED: Final = (RIGHTMOST, LEFTMOST, 2)
"""Order of the tracks of a mirror image, in networks whose tracks are ordered from left to right."""


class EvenOdd(nn.Module):
    """A layer for pairs (2 B, ...): one linear map for their even part and one, without bias, for the odd part.

    Args:
        even, odd: linear maps of the same shape.
    """

    def __init__(self, even: nn.Module, odd: nn.Module) -> None:
        super().__init__()
        self.even, self.odd = even, odd

    def forward(self, pairs: Tensor) -> Tensor:
        """(2 B, ...) -> (2 B, ...)."""
        even, odd = halves(pairs)
        kept, turned = self.even(even), self.odd(odd)
        return torch.cat([kept + turned, kept - turned])


def halves(pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Even and odd part (B, ...) of pairs (2 B, ...)."""
    plain, mirror = pairs.reshape(2, -1, *pairs.shape[1:]).unbind(0)
    return (plain + mirror) / 2, (plain - mirror) / 2


def symmetrise(module: nn.Module) -> nn.Module:
    """Replace the dense layers and 2-D convolutions of a module by `EvenOdd`; depthwise convolutions stay shared."""
    if isinstance(module, nn.Linear):
        odd: nn.Module = nn.Linear(module.in_features, module.out_features, bias=False)
        return EvenOdd(module, odd)
    if isinstance(module, nn.Conv2d):
        kernel, stride, padding = module.kernel_size, module.stride, module.padding
        assert not isinstance(padding, str)
        odd = nn.Conv2d(module.in_channels, module.out_channels, (kernel[0], kernel[1]), (stride[0], stride[1]),
                        (padding[0], padding[1]), bias=False)  # fmt: skip
        return EvenOdd(module, odd)
    for name, child in module.named_children():
        setattr(module, name, symmetrise(child))
    return module


class SymmetricNet(SeldNet):
    """`SeldNet` on pairs; y is computed from the odd part, all other outputs from the even part.

    Args:
        config: dimensions.
    """

    config: SymmetricConfig
    sign: Tensor

    def __init__(self, config: SymmetricConfig) -> None:
        super().__init__(config)
        for part in ("stem", "stages", "project", "conformer"):
            setattr(self, part, symmetrise(getattr(self, part)))
        cells = config.tracks * config.classes
        self.head = nn.Linear(config.dim, cells * (FIELDS - 1))
        self.sideways = nn.Linear(config.dim, cells, bias=False)
        with torch.no_grad():
            self.head.weight.mul_(0.3)
            self.head.bias.zero_()
            self.head.bias.view(cells, FIELDS - 1)[:, DISTANCE - 1] = TYPICAL_LOG_METRES
            self.sideways.weight.mul_(0.3)
        if config.common:
            self.common = nn.Linear(config.dim, 2)
            self.common_sideways = nn.Linear(config.dim, 1, bias=False)
            for added in (self.common, self.common_sideways):
                nn.init.zeros_(added.weight)
            nn.init.zeros_(self.common.bias)
        if config.any_sound:
            self.anything_sideways = nn.Linear(config.dim, config.tracks, bias=False)
        signs = torch.ones(config.in_channels)
        signs[list(config.odd_channels)] = -1.0
        self.register_buffer("sign", signs[:, None, None])

    def forward(self, features: Tensor, tokens: TokenBatch | None = None, tagging: Tensor | None = None) -> Tensor:
        """As `SeldNet.forward`; with left and right swapped, only the sign of y changes."""
        return self.heads(self.body(features, tokens, tagging))

    def body(self, features: Tensor, tokens: TokenBatch | None = None, tagging: Tensor | None = None) -> BodyOutput:
        """As `SeldNet.body`; the frames (B, T', 2 dim) are the even and the odd half."""
        own = self.config.own_channels
        scaled = torch.cat([self.scaler(features), self.scaler(features * self.sign)])
        maps = self.stages(self.stem(scaled[:, :own].contiguous(memory_format=torch.channels_last)))
        frames = self.project(maps.permute(0, 2, 3, 1).flatten(2))
        if tagging is None:
            tagging = self.run_tagger(features)
        if self.tagged is not None and tagging is not None:
            # The tagger's input is the mid channel, which is the same in the mirror image.
            projected = self.tagged(tagging[..., : self.config.dim])
            frames = frames + torch.cat([projected, projected])
        both = torch.cat(halves(self._context(frames, tokens or {})), dim=-1)
        return BodyOutput(both, tagging, self._log_metres(features))

    def heads(self, body: BodyOutput) -> Tensor:
        """As `SeldNet.heads`."""
        (even, odd), tagging = body.frames.chunk(2, dim=-1), body.tagging
        tagging = None if tagging is None else tagging[..., : self.config.dim]
        fields = self._with_distance(self._fields(even, odd), even, tagging, body.log_metres)
        answer = self._with_probe(self._answer(fields, even, tagging), body)
        if self.anything is None:
            return answer
        any_sound = self._anything(even)
        turned = self.anything_sideways(odd).float()
        turned = torch.tanh(turned) if self.config.direction == "tanh" else turned
        any_sound = torch.cat([any_sound[..., :Y], turned[..., None, None], any_sound[..., Y + 1 :]], dim=-1)
        return torch.cat([answer, any_sound], dim=3)

    def _fields(self, even: Tensor, odd: Tensor) -> Tensor:
        config = self.config
        kept = self.head(even).unflatten(-1, (config.tracks, config.classes, FIELDS - 1)).float()
        turned = self.sideways(odd).unflatten(-1, (config.tracks, config.classes, 1)).float()
        if self.common is not None:
            kept = kept + functional.pad(self.common(even).float(), (0, 1))[:, :, None, None]
            turned = turned + self.common_sideways(odd).float()[:, :, None, None]
        return torch.cat([kept[..., :Y], turned, kept[..., Y:]], dim=-1)


class MirroredNetwork(Network):
    """Mean of a network's outputs for a clip and for its mirror image, mirrored back; twice the computation.

    Physical fields are averaged, track by track, so that any network can be mirrored. In networks whose tracks are
    ordered from left to right, the leftmost and the rightmost track of the mirror image are exchanged, and the mean
    decides whether there are several sources.

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
        numbers = np.tile(np.arange(1.0, channels + 1)[:, None, None], (1, 1, features.mels))
        swapped = swap(numbers, features)[:, 0, 0]
        self.register_buffer("order", torch.from_numpy(np.abs(swapped).astype(np.int64) - 1))
        self.register_buffer("sign", torch.from_numpy(np.sign(swapped).astype(np.float32))[:, None, None])
        self.lags = features.channels.index("gcc") if "gcc" in features.channels else None
        self.register_buffer("back", torch.tensor([1.0, -1.0, *[1.0] * (SEVERAL - 1)]))

    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> Tensor:
        """Physical fields, followed by those of the class for any sound, where the network has it.

        `tokens` are used for the clip and its mirror image, so they must not depend on the side.
        """
        # The tagger's input is the mid channel, which is the same in the mirror image: it runs once.
        tagging = [self.network.run_tagger(features)] if isinstance(self.network, SeldNet) else []
        plain = self.network(features, tokens, *tagging)
        mirror = self.network(self._swapped(features), tokens, *tagging)
        if isinstance(self.network, SeldNet) and plain.shape[-1] > SEVERAL:
            mean = (probabilities(plain) + probabilities(mirror)[:, :, list(_EXCHANGED)] * self.back) / 2
            return with_length(separated(mean, self.network.config.several_from))
        return (self._all_physical(plain) + self._all_physical(mirror) * self.back[:FIELDS]) / 2

    def _swapped(self, features: Tensor) -> Tensor:
        """Features (B, C, T, F) of the mirror image."""
        swapped = features[:, self.order] * self.sign
        if self.lags is None:
            return swapped
        lags = swapped[:, self.lags : self.lags + 1].flip(-1)
        return torch.cat([swapped[:, : self.lags], lags, swapped[:, self.lags + 1 :]], dim=1)

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
