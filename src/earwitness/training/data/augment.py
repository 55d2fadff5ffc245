"""Augmentation of feature batches, mixup and modality dropout: drawn first as plain values, then applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earwitness.core.multi_accddoa import Targets
from earwitness.features import TAGGER_CHANNELS, FeatureConfig, swap
from earwitness.models.network import TokenBatch, Tokens
from earwitness.training.recipe_sections import AugmentSpec


@dataclass(frozen=True, slots=True, eq=False)
class MixDraw:
    """Mixup and modality dropout of a batch.

    Attributes:
        partner: (B,) index of the clip that each clip is mixed with.
        share: of the clip itself; 1 mixes nothing.
        kept: name of the modality -> (B,) bool, clips that keep its tokens.
    """

    partner: NDArray[np.int64]
    share: float
    kept: Mapping[str, NDArray[np.bool_]]

    @property
    def mixes(self) -> bool:
        """Whether clips are mixed at all."""
        return self.share < 1

    def part(self, rows: slice) -> MixDraw:
        """The draw for one process's part of the batch."""
        kept = {name: clips[rows] for name, clips in self.kept.items()}
        return MixDraw(self.partner[rows] - rows.start, self.share, kept)


def draw_mix(
    spec: AugmentSpec, rng: np.random.Generator, batch: int, modalities: Sequence[str], processes: int = 1
) -> MixDraw:
    """Draw mixup and modality dropout for `batch` clips; partners are drawn within each process's part.

    Source: Zhang et al. 2018, mixup, with one share per batch.
    """
    kept = {name: rng.random(batch) >= spec.modality_dropout for name in modalities}
    each = batch // processes
    partner = np.concatenate([start + rng.permutation(each) for start in range(0, batch, each)])
    mixes = spec.mixup > 0 and rng.random() < spec.mixup_probability
    share = float(rng.beta(spec.mixup, spec.mixup)) if mixes else 1.0
    return MixDraw(partner, max(share, 1 - share), kept)


def mixed(features: Tensor, draw: MixDraw) -> Tensor:
    """Features (B, C, T, F), mixed with those of each clip's partner."""
    if not draw.mixes:
        return features
    partner = torch.from_numpy(draw.partner).to(features.device)
    return torch.lerp(features[partner], features, draw.share)


def mixed_tokens(tokens: TokenBatch, draw: MixDraw) -> dict[str, Tokens]:
    """Tokens after mixup and modality dropout.

    Steps that both the clip and its partner have are mixed; steps that only one of them has are taken from that one.
    """
    return {name: _mixed(_without(given, draw.kept.get(name)), draw) for name, given in tokens.items()}


def _without(tokens: Tokens, kept: NDArray[np.bool_] | None) -> Tokens:
    if kept is None or kept.all():
        return tokens
    return tokens._replace(here=tokens.here & torch.from_numpy(kept).to(tokens.here.device)[:, None])


def _mixed(tokens: Tokens, draw: MixDraw) -> Tokens:
    if not draw.mixes:
        return tokens
    partner = torch.from_numpy(draw.partner).to(tokens.here.device)
    values, times, directions, here = (part[partner] for part in tokens)
    share = torch.where(tokens.here & here, draw.share, tokens.here.to(tokens.values.dtype))
    return Tokens(
        torch.lerp(values, tokens.values, share[:, :, None, None]),
        torch.where(tokens.here, tokens.times, times),
        torch.where(tokens.directions.isnan(), directions, tokens.directions),
        tokens.here | here,
    )


LOG_MEL_PER_DB: Final = 0.1
"""Log-mels are decimal logarithms of power."""


def swap_clip(
    features: NDArray[np.floating], targets: Targets, config: FeatureConfig
) -> tuple[NDArray[np.floating], Targets]:
    """Swap left and right in features (C, T, F) and targets: the paper's doubling of the data."""
    return swap(features, config), targets.mirrored()


@dataclass(frozen=True, slots=True, eq=False)
class AugmentDraw:
    """Augmentation of each clip of a batch.

    Attributes:
        gain: (B, F) added to all log-mel channels, in their unit: FilterAugment and level.
        hidden: (B, T, F) bool, masked cells.
        hidden_rows: (B, T) bool, masked frames in channels without a frequency axis.
        shift: (B,) bins by which channels with a frequency axis are shifted up.
    """

    gain: NDArray[np.float32]
    hidden: NDArray[np.bool_]
    hidden_rows: NDArray[np.bool_]
    shift: NDArray[np.int64]

    def part(self, rows: slice) -> AugmentDraw:
        """The draw for some of the clips."""
        return AugmentDraw(self.gain[rows], self.hidden[rows], self.hidden_rows[rows], self.shift[rows])


def draw(spec: AugmentSpec, rng: np.random.Generator, batch: int, frames: int, bins: int) -> AugmentDraw:
    """Draw the augmentation of a batch of (frames, bins) maps."""
    gain = np.zeros((batch, bins), dtype=np.float32)
    hidden = np.zeros((batch, frames, bins), dtype=np.bool_)
    hidden_rows = np.zeros((batch, frames), dtype=np.bool_)
    shift = np.zeros(batch, dtype=np.int64)
    for clip in range(batch):
        use = rng.random(5) < spec.probability
        if use[0] and spec.filter_db:
            gain[clip] += filter_curve(spec, rng, bins)
        if use[1] and spec.gain_db:
            gain[clip] += rng.uniform(-spec.gain_db, spec.gain_db)
        if use[2]:
            for first, last in _spans(rng, spec.time_masks, spec.time_mask, frames):
                hidden_rows[clip, first:last] = True
        if use[3]:
            for first, last in _spans(rng, spec.mel_masks, spec.mel_mask, bins):
                hidden[clip, :, first:last] = True
        if use[4] and spec.shift_bins:
            shift[clip] = rng.integers(-spec.shift_bins, spec.shift_bins + 1)
    return AugmentDraw(gain * np.float32(LOG_MEL_PER_DB), hidden | hidden_rows[:, :, None], hidden_rows, shift)


def filter_curve(spec: AugmentSpec, rng: np.random.Generator, bins: int) -> NDArray[np.float64]:
    """Gains (F,) in dB over frequency: random values at the edges of random bands, linear between.

    Source: Nam et al. 2022, FilterAugment, linear type.
    """
    bands = int(rng.integers(spec.filter_bands[0], spec.filter_bands[1] + 1))
    edges = np.sort(np.concatenate([[0.0, bins - 1.0], rng.uniform(0, bins - 1, bands - 1)]))
    return np.interp(np.arange(bins), edges, rng.uniform(-spec.filter_db, spec.filter_db, bands + 1))


def _spans(rng: np.random.Generator, count: int, longest: int, size: int) -> list[tuple[int, int]]:
    spans = []
    for _ in range(count):
        length = int(rng.integers(0, min(longest, size) + 1))
        first = int(rng.integers(0, size - length + 1))
        spans.append((first, first + length))
    return spans


@dataclass(frozen=True, slots=True)
class ChannelKinds:
    """Which augmentations apply to which feature channels.

    Attributes:
        level: (C,) bool, log-mel channels, to which gains are added.
        mel: (C,) bool, channels with a frequency axis, which are masked and shifted along it.
        masked: (C,) bool, channels that may be masked; the tagger's channels are not.
    """

    level: Tensor
    mel: Tensor
    masked: Tensor

    @classmethod
    def of(cls, channels: Sequence[str]) -> ChannelKinds:
        """For the channels of a `FeatureConfig`."""
        level = torch.tensor([name.startswith("logmel") for name in channels])
        masked = torch.tensor([name not in TAGGER_CHANNELS for name in channels])
        return cls(level, masked & torch.tensor([name not in ("stpacc", "gcc") for name in channels]), masked)

    def to(self, device: torch.device) -> ChannelKinds:
        """The same on `device`."""
        return replace(self, level=self.level.to(device), mel=self.mel.to(device), masked=self.masked.to(device))


def apply(features: Tensor, change: AugmentDraw, kinds: ChannelKinds, mean: Tensor) -> Tensor:
    """Augment a batch.

    Gains are the same in all log-mel channels, which preserves the level differences that carry direction.

    Args:
        features: (B, C, T, F).
        change: the draw to apply.
        kinds: of the channels.
        mean: (C, 1, F) value of masked cells, which scaling maps to 0.

    Returns:
        A new tensor of the same shape.
    """
    device = features.device
    out = torch.where(kinds.mel[:, None, None], shifted(features, change.shift), features)
    gain = torch.from_numpy(change.gain).to(device, features.dtype)
    out = out + gain[:, None, None, :] * kinds.level[:, None, None]
    cells = torch.from_numpy(change.hidden).to(device)[:, None]
    rows = torch.from_numpy(change.hidden_rows).to(device)[:, None, :, None]
    hidden = torch.where(kinds.mel[:, None, None], cells, rows) & kinds.masked[:, None, None]
    return torch.where(hidden, mean.to(features.dtype), out)


def shifted(features: Tensor, shift: NDArray[np.int64]) -> Tensor:
    """Each clip of (B, C, T, F) shifted up by its number (B,) of bins, edge bins repeated."""
    if not shift.any():
        return features
    bins = features.shape[-1]
    source = (np.arange(bins)[None, :] - shift[:, None]).clip(0, bins - 1)
    index = torch.from_numpy(source).to(features.device)[:, None, None, :].expand(features.shape)
    return torch.gather(features, 3, index)
