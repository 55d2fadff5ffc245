"""A frozen AudioSet tagger inside a network: activations of its layers for each label frame."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.features.mel import LOWEST


class _Separable(NamedTuple):
    """A depthwise and a pointwise convolution."""

    inputs: int
    outputs: int
    stride: int


_STEM: Final = 32
_EARLY: Final = (
    _Separable(32, 64, 1), _Separable(64, 128, 2), _Separable(128, 128, 1), _Separable(128, 256, 2),
    _Separable(256, 256, 1), _Separable(256, 512, 2), *[_Separable(512, 512, 1)] * 5,
)  # fmt: skip
_LATE: Final = (_Separable(512, 1024, 2), _Separable(1024, 1024, 1))
_EARLY_WIDTH: Final = 4 * 512
EMBEDDING_WIDTH: Final = 1024
"""Width of YAMNet's embedding, the output of its last convolution."""
_EARLY_STEP, _LATE_STEP = 16, 32
"""Frames of 10 ms from one output to the next."""
_PADDING: Final = 24
"""Frames of silence before and after, so that the first and the last label frame lie between two outputs."""


class YamnetTrunk(nn.Module):
    """The convolutions of YAMNet for spectrograms of any length, with batch normalisation folded in.

    Source: Howard et al. 2017, MobileNet v1; weights of YAMNet (tensorflow/models, research/audioset, Apache-2.0).
    The weights are frozen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Sequential(*_conv(1, _STEM, 3, 2), *_separables(_EARLY))
        self.late = nn.Sequential(*_separables(_LATE))
        self.requires_grad_(False)

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """The convolutions in the order of their application."""
        return [part for part in self.modules() if isinstance(part, nn.Conv2d)]

    @torch.no_grad()
    def forward(self, spectrogram: Tensor) -> tuple[Tensor, Tensor]:
        """(B, frames, 64) -> (B, about frames / 16, 2048), (B, about frames / 32, 1024)."""
        padded = functional.pad(spectrogram, (0, 0, _PADDING, _PADDING), value=LOWEST)
        early = self.early(padded[:, None].contiguous(memory_format=torch.channels_last))
        return early.permute(0, 2, 3, 1).flatten(2), self.late(early).mean(dim=3).transpose(1, 2)


class Tagger(nn.Module):
    """YAMNet's activations, projected and interpolated at label frames.

    Args:
        dim: width of the output.
        frames_per_label: frames of 10 ms per label frame.
        dropout: of the output.
        embedding: append YAMNet's embedding to the output, normalised to zero mean and unit variance.
    """

    def __init__(self, dim: int, frames_per_label: int, dropout: float, *, embedding: bool = False) -> None:
        super().__init__()
        self.frames_per_label, self.embedding = frames_per_label, embedding
        self.trunk = YamnetTrunk()
        self.early = nn.Sequential(nn.LayerNorm(_EARLY_WIDTH), nn.Linear(_EARLY_WIDTH, dim))
        self.late = nn.Sequential(nn.LayerNorm(EMBEDDING_WIDTH), nn.Linear(EMBEDDING_WIDTH, dim))
        self.finish = nn.Sequential(nn.SiLU(), nn.Dropout(dropout))

    def forward(self, halves: Tensor) -> Tensor:
        """The two channels (B, 2, T, 64) of `features.TAGGER_CHANNELS` -> (B, label frames, dim [+ 1024])."""
        early, late = self.trunk(halves.transpose(1, 2).flatten(1, 2))
        labels = halves.shape[2] * 2 // self.frames_per_label
        both = self.at_labels(self.early(early), labels, _EARLY_STEP) + self.at_labels(
            self.late(late), labels, _LATE_STEP
        )
        finished: Tensor = self.finish(both)
        if not self.embedding:
            return finished
        plain = functional.layer_norm(late, (EMBEDDING_WIDTH,))
        return torch.cat([finished, self.at_labels(plain, labels, _LATE_STEP)], dim=-1)

    def at_labels(self, steps: Tensor, labels: int, step: int) -> Tensor:
        """Interpolate (B, n, dim), step k centred on frame (k + 1) step - 1 of the padded input, at label frames."""
        middle = (torch.arange(labels, device=steps.device) + 0.5) * self.frames_per_label - 0.5
        place = ((middle + _PADDING + 1) / step - 1).clamp(0, steps.shape[1] - 1)
        before = place.floor().long()
        after = (before + 1).clamp(max=steps.shape[1] - 1)
        share = (place - before)[:, None].to(steps.dtype)
        return steps[:, before] * (1 - share) + steps[:, after] * share


def _separables(layers: tuple[_Separable, ...]) -> list[nn.Module]:
    return [
        part
        for layer in layers
        for part in (
            *_conv(layer.inputs, layer.inputs, 3, layer.stride, layer.inputs),
            *_conv(layer.inputs, layer.outputs, 1, 1),
        )
    ]


def _conv(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """Convolution and ReLU; at stride 2 padding is at the end only, as in TensorFlow for even sizes."""
    pad = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
    padding = kernel // 2 if stride == 1 else 0
    return [*pad, nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups), nn.ReLU(inplace=True)]
