"""The interface of networks for training, export and inference: their token input and their raw and physical fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

import torch
from torch import Tensor, nn

from earwitness.core.errors import ModelError
from earwitness.core.multi_accddoa import DISTANCE
from earwitness.encoders.token_arrays import TokenArrays
from earwitness.models.architectures import ModelConfig
from earwitness.models.blocks import Scaler

FIELDS: Final = 4
"""x, y, log distance, on-screen logit."""
ACTIVITY: Final = 4
"""Index of the activity logit in raw fields, where there is one; the same on all tracks of a class."""
SEVERAL: Final = 5
"""Index of the logit of two or more sources of a class, where there is one; the same on all tracks."""
LEFTMOST, RIGHTMOST = 0, 1
"""The tracks of two sources of a class in networks with that logit."""
MAX_LOG_METRES: Final = 4.0


class Tokens(NamedTuple):
    """Tokens of one modality for a batch of clips.

    Attributes:
        values: (B, T, P, D) float: T time steps, P positions.
        times: (B, T) float32, seconds from the start of the clip.
        directions: (B, P, 2) float32, azimuth and elevation in degrees; NaN for a position without a direction.
        here: (B, T) bool, False in the padding; a clip without the modality is all padding.
    """

    values: Tensor
    times: Tensor
    directions: Tensor
    here: Tensor

    @classmethod
    def of(cls, arrays: TokenArrays) -> Tokens:
        """The arrays as tensors."""
        return cls(*(torch.from_numpy(array) for array in arrays))

    def to(self, device: torch.device) -> Tokens:
        """The tokens on `device`, with values as float32."""
        return Tokens(
            self.values.to(device).float(), self.times.to(device), self.directions.to(device), self.here.to(device)
        )

    @property
    def present(self) -> Tensor:
        """(B,) bool, clips that have the modality."""
        return self.here.any(dim=1)


TokenBatch = Mapping[str, Tokens]
"""Name of the modality -> its tokens; a modality that no clip has may be left out."""


class Network(nn.Module, ABC):
    """A network with multi-ACCDDOA output.

    Attributes:
        config: its dimensions.
        scaler: feature normalisation.
        normalises: whether the scaler is set from the statistics of the training features.
    """

    normalises: ClassVar[bool] = True
    config: ModelConfig
    scaler: Scaler

    @abstractmethod
    def forward(self, features: Tensor, tokens: TokenBatch | None = None) -> Tensor:
        """Raw fields of a batch, as the network's loss takes them.

        Args:
            features: (B, C, T, F), T a multiple of `frames_per_label`.
            tokens: by modality; optional modalities may be missing.

        Returns:
            (B, T / frames_per_label, tracks, classes, 4).

        Raises:
            ModelError: a required modality is missing, or tokens have another width.
        """

    @abstractmethod
    def physical(self, raw: Tensor) -> Tensor:
        """Raw fields (..., 4) as x, y, metres, on-screen probability."""

    @property
    def has_any_sound(self) -> bool:
        """Whether the raw fields have an additional class for any sound, after the others."""
        return bool(getattr(self.config, "any_sound", False))

    def physical_any_sound(self, raw: Tensor) -> Tensor:
        """Raw fields as physical ones (B, T', tracks, 1, 4) of the class for any sound.

        Raises:
            ModelError: the network has no such class.
        """
        raise ModelError(f"a network of {type(self).__name__} has no class for any sound")


def physical(raw: Tensor, several_from: float = 0.5) -> Tensor:
    """Raw fields as physical ones, (..., 4): x, y, metres, on-screen probability.

    The probability of an activity logit, if there is one, becomes the length of the vectors, so that all networks
    encode activity in the same way.

    Args:
        raw: (B, T', tracks, classes, 4, 5 or 6).
        several_from: probability of several sources from which tracks stay separate; see `separated`.
    """
    if raw.shape[-1] > SEVERAL:
        return with_length(separated(probabilities(raw), several_from))
    fields = probabilities(raw)
    return fields if raw.shape[-1] <= ACTIVITY else with_length(fields)


def probabilities(raw: Tensor) -> Tensor:
    """Raw fields with metres in place of their logarithms, and probabilities in place of logits."""
    metres = torch.exp(raw[..., DISTANCE : DISTANCE + 1].clamp(-MAX_LOG_METRES, MAX_LOG_METRES))
    return torch.cat([raw[..., :DISTANCE], metres, torch.sigmoid(raw[..., DISTANCE + 1 :])], dim=-1)


def with_length(fields: Tensor) -> Tensor:
    """The activity of fields (..., 5) as the length of their vectors: (..., 4)."""
    vector = fields[..., :2]
    length = vector.square().sum(-1, keepdim=True).clamp_min(1e-8).sqrt()
    return torch.cat([vector / length * fields[..., ACTIVITY : ACTIVITY + 1], fields[..., 2:ACTIVITY]], dim=-1)


def separated(fields: Tensor, several_from: float) -> Tensor:
    """Tracks of one and of several sources, from fields (B, T', tracks, classes, 6): (B, T', tracks, classes, 5).

    Where the probability of several sources is below `several_from`, every track is the mean of all; else the tracks
    besides the leftmost and the rightmost repeat the leftmost.
    """
    apart = fields[:, :, :1, :, SEVERAL:] >= several_from
    plain = fields[..., :SEVERAL]
    mean = plain.mean(dim=2, keepdim=True).expand_as(plain)
    ends = [plain[:, :, LEFTMOST : LEFTMOST + 1], plain[:, :, RIGHTMOST : RIGHTMOST + 1]]
    two = torch.cat([*ends, *ends[:1] * (plain.shape[2] - 2)], dim=2)
    return torch.where(apart, two, mean)
