"""Random changes that concern a batch as a whole: mixup, and modalities that are taken away; drawn, then applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earwitness.models.tokens import TokenBatch, Tokens
from earwitness.training.recipe import AugmentSpec


@dataclass(frozen=True, slots=True, eq=False)
class MixDraw:
    """What happens to a batch.

    Attributes:
        partner: (B,) the clip that each is mixed with.
        share: of the clip itself; 1 mixes nothing.
        kept: modality's name -> (B,) bool, clips that keep its tokens.
    """

    partner: NDArray[np.int64]
    share: float
    kept: Mapping[str, NDArray[np.bool_]]

    @property
    def mixes(self) -> bool:
        """Whether clips are mixed at all."""
        return self.share < 1

    def part(self, rows: slice) -> MixDraw:
        """What happens to a process's part of the batch."""
        kept = {name: clips[rows] for name, clips in self.kept.items()}
        return MixDraw(self.partner[rows] - rows.start, self.share, kept)


def draw_mix(
    spec: AugmentSpec, rng: np.random.Generator, batch: int, modalities: Sequence[str], processes: int = 1
) -> MixDraw:
    """Draw what happens to a batch of `batch` clips; partners are drawn within each process's part.

    Source: Zhang et al. 2018, mixup, with one share for a batch.
    """
    kept = {name: rng.random(batch) >= spec.modality_dropout for name in modalities}
    each = batch // processes
    partner = np.concatenate([start + rng.permutation(each) for start in range(0, batch, each)])
    mixes = spec.mixup > 0 and rng.random() < spec.mixup_probability
    share = float(rng.beta(spec.mixup, spec.mixup)) if mixes else 1.0
    return MixDraw(partner, max(share, 1 - share), kept)


def mixed(features: Tensor, draw: MixDraw) -> Tensor:
    """Features (B, C, T, F), each mixed with its partner's."""
    if not draw.mixes:
        return features
    partner = torch.from_numpy(draw.partner).to(features.device)
    return torch.lerp(features[partner], features, draw.share)


def mixed_tokens(tokens: TokenBatch, draw: MixDraw) -> dict[str, Tokens]:
    """Tokens as mixup and modality dropout leave them.

    A clip has a mixture's tokens where it and its partner have a step; where only one has, those of that one.
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
