"""Token maps of several clips in arrays, for training in torch and for ONNX Runtime alike; torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError
from earwitness.encoders.tokens import TokenMap


class TokenArrays(NamedTuple):
    """Tokens of one modality for B clips; shorter ones are filled up, and clips without it are all filling.

    Attributes:
        values: (B, T, P, D), zeros where nothing is.
        times: (B, T) float32, seconds from the beginning of the clip.
        directions: (B, P, 2) float32, azimuth and elevation in degrees; NaN for a position that looks nowhere.
        here: (B, T) bool, steps that exist.
    """

    values: NDArray[np.floating]
    times: NDArray[np.float32]
    directions: NDArray[np.float32]
    here: NDArray[np.bool_]


def stack_tokens(clips: Sequence[Mapping[str, TokenMap]]) -> dict[str, TokenArrays]:
    """Stack the tokens of clips, modality by modality; what no clip has is left out.

    Raises:
        EncoderError: maps of one modality have different widths or positions.
    """
    names = dict.fromkeys(name for clip in clips for name in clip)
    return {name: _stack(name, [clip.get(name) for clip in clips]) for name in names}


def no_tokens(batch: int, positions: int, dim: int) -> TokenArrays:
    """Tokens of a modality that no clip has, for models in ONNX, whose inputs cannot be left out."""
    return TokenArrays(
        np.zeros((batch, 1, positions, dim), np.float32), np.zeros((batch, 1), np.float32),
        np.full((batch, positions, 2), np.nan, np.float32), np.zeros((batch, 1), np.bool_),
    )  # fmt: skip


def _stack(name: str, maps: Sequence[TokenMap | None]) -> TokenArrays:
    shapes = {found.tokens.shape[1:] for found in maps if found is not None}
    if len(shapes) != 1:
        raise EncoderError(f"'{name}' tokens of one batch have different shapes {sorted(shapes)}: embed the sets alike")
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
