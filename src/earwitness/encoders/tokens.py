"""Tokens of a frozen encoder, each with its time and direction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError

Modality = Literal["sound", "picture"]

_SAME_DIRECTION_DEG: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class TokenMap:
    """Tokens of a segment of sound or of pictures.

    Attributes:
        tokens: (T, P, D) float32 or float16: T time steps, P positions, dimension D.
        times: (T,) float64, increasing: seconds from the start of the segment to the centre of each step.
        azimuth, elevation: (P,) float32, degrees: direction of each position; NaN if it has none, as the sum of both
            channels. The channels themselves are cardioids that face left (+90) and right (-90).
        modality: whether sound or pictures were encoded.
    """

    tokens: NDArray[np.floating]
    times: NDArray[np.float64]
    azimuth: NDArray[np.float32]
    elevation: NDArray[np.float32]
    modality: Modality

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            EncoderError: they do not match.
        """
        steps, positions = self.tokens.shape[:2] if self.tokens.ndim == 3 else (-1, -1)
        if self.times.shape != (steps,) or {self.azimuth.shape, self.elevation.shape} != {(positions,)}:
            raise EncoderError(
                f"a token map holds tokens (T, P, D), times (T,), azimuth (P,) and elevation (P,), not "
                f"{self.tokens.shape}, {self.times.shape}, {self.azimuth.shape} and {self.elevation.shape}"
            )

    def __len__(self) -> int:
        """Number of time steps."""
        return int(self.tokens.shape[0])

    @property
    def positions(self) -> int:
        """Number of positions: 1 for the sum of both channels, the cells of the grid for pictures."""
        return int(self.tokens.shape[1])

    @property
    def dim(self) -> int:
        """Dimension of a token."""
        return int(self.tokens.shape[2])

    def between(self, start: float, end: float) -> Self:
        """The steps with start <= time < end (seconds) as a view; times are relative to `start`."""
        first, last = np.searchsorted(self.times, (start, end), side="left")
        return replace(self, tokens=self.tokens[first:last], times=self.times[first:last] - start)

    def mirrored(self) -> Self:
        """The map with left and right swapped.

        For sound, this is exact, since channels are encoded separately. For pictures, it is an approximation, since
        networks are not exactly mirror-symmetric; encode mirrored pictures if that matters. If the positions are
        symmetric, they keep their order and the tokens are permuted.
        """
        places = np.stack([self.azimuth, self.elevation], axis=1)
        source = _matching(places * np.array([-1, 1], dtype=np.float32), places)
        if source is None:
            return replace(self, azimuth=-self.azimuth)
        return replace(self, tokens=self.tokens[:, source])


def _matching(wanted: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.intp] | None:
    """For each wanted direction (P, 2) the index of the matching place (NaN matches NaN); None if one has no match."""
    wanted, places = np.nan_to_num(wanted, nan=1e6), np.nan_to_num(places, nan=1e6)
    apart = np.abs(wanted[:, None] - places[None]).max(axis=2)
    nearest = apart.argmin(axis=1)
    used_once = np.unique(nearest).size == nearest.size
    return nearest if used_once and (apart.min(axis=1) < _SAME_DIRECTION_DEG).all() else None
