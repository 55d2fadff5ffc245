"""Tokens of a batch of clips as padded arrays; torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError
from earwitness.encoders.protocol import TokenMap


class TokenArrays(NamedTuple):
    """Tokens of one modality for B clips, padded to the same number of steps; clips without it are all padding.

    Attributes:
        values: (B, T, P, D), zeros in the padding.
        times: (B, T) float32, seconds from the start of the clip.
        directions: (B, P, 2) float32, azimuth and elevation in degrees; NaN for a position without a direction.
        here: (B, T) bool, False in the padding.
    """

    values: NDArray[np.floating]
    times: NDArray[np.float32]
    directions: NDArray[np.float32]
    here: NDArray[np.bool_]


def stack_tokens(clips: Sequence[Mapping[str, TokenMap]]) -> dict[str, TokenArrays]:
    """Stack the tokens of clips by modality; modalities that no clip has are left out.

    Raises:
        EncoderError: maps of one modality differ in width or number of positions.
    """
    names = dict.fromkeys(name for clip in clips for name in clip)
    return {name: _stack(name, [clip.get(name) for clip in clips]) for name in names}


def no_tokens(batch: int, positions: int, dim: int) -> TokenArrays:
    """Padding for a modality that no clip has, for ONNX models, whose inputs cannot be left out."""
    return TokenArrays(
        np.zeros((batch, 1, positions, dim), np.float32), np.zeros((batch, 1), np.float32),
        np.full((batch, positions, 2), np.nan, np.float32), np.zeros((batch, 1), np.bool_),
    )  # fmt: skip


def _stack(name: str, maps: Sequence[TokenMap | None]) -> TokenArrays:
    shapes = {found.tokens.shape[1:] for found in maps if found is not None}
    if len(shapes) != 1:
        raise EncoderError(
            f"'{name}' tokens of one batch have different shapes {sorted(shapes)}: embed the sets with equal settings"
        )
    steps = max(len(found) for found in maps if found is not None)
    (positions, dim) = shapes.pop()
    dtype = np.result_type(*(found.tokens.dtype for found in maps if found is not None))
    values = np.zeros((len(maps), steps, positions, dim), dtype=dtype)
    times = np.zeros((len(maps), steps), dtype=np.float32)
    directions = np.full((len(maps), positions, 2), np.nan, dtype=np.float32)
    here = np.zeros((len(maps), steps), dtype=np.bool_)
    for row, found in enumerate(maps):
        if found is None:
            continue
        length = len(found)
        values[row, :length], times[row, :length], here[row, :length] = found.tokens, found.times, True
        directions[row, :, 0], directions[row, :, 1] = found.azimuth, found.elevation
    return TokenArrays(values, times, directions, here)
