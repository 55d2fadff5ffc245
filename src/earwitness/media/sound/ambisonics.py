"""First-order ambisonics: detection by channel names or by content, and conversion to stereo.

ambiX has the channels W, Y, Z, X (ACN) with SN3D gains: in any sound field, Y, Z and X together have the energy of W.
The older format of Furse and Malham (FuMa) has the order W, X, Y, Z, and its W is 3 dB lower. In both, sound from the
right or from behind appears in Y or X with the opposite sign of W; in recordings that are not ambisonic, the sign of a
whole channel does not depend on the direction.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earwitness.core.geometry import foa_to_stereo

FloatArray = NDArray[np.float32]
Layout = Literal["auto", "foa", "fuma", "surround"]
"""Interpretation of the channels of a track: automatic, ambiX, FuMa, or loudspeakers as declared."""
LAYOUTS: Final[tuple[Layout, ...]] = ("auto", "foa", "fuma", "surround")
Verdict = Literal["foa", "possible", "no"]

CHANNELS: Final = 4
BLOCK_SECONDS: Final = 0.05
ANALYSED_SECONDS: Final = 600.0
_LOUD_DB: Final = 30.0
_LEAST_BLOCKS: Final = 5
_SN3D_DB: Final = 0.0
_OTHER_DB: Final = (3.01, 4.77)
"""Energy of the other channels relative to W with FuMa and N3D gains."""
_CERTAIN_DB: Final = 1.0
_POSSIBLE_DB: Final = 0.5
"""Maximum deviations of the median over the blocks from these levels."""
_STEADY_DB: Final = 3.5
_LOOSE_DB: Final = 5.0
_LOOSE_TOTAL_DB: Final = 1.75
"""Maximum deviations of the 10th and 90th percentile over the blocks from their mean, which reverberation increases."""
_COHERENT: Final = 0.9
_COPY_DB: Final = -25.0
_STRONGEST_SHARE: Final = 0.2
"""Maximum share of blocks in which another channel is louder than W."""


class _Sign(NamedTuple):
    """Criteria for a channel with the opposite sign of W.

    Attributes:
        coherence: maximum coherence with W.
        level_db: minimum level relative to W.
        share: minimum share of the loud blocks.
    """

    coherence: float
    level_db: float
    share: float


_SURE: Final = _Sign(-0.8, -10.0, 0.05)
_WEAK: Final = _Sign(-0.3, -15.0, 0.1)
_FUMA_W: Final = np.float32(np.sqrt(2))


def is_ambisonic_layout(channels: tuple[str, ...]) -> bool:
    """Whether the first four channel names of a layout are ambisonic."""
    return len(channels) >= CHANNELS and all(name.startswith("AMBI") for name in channels[:CHANNELS])


def ambisonic_stereo(samples: FloatArray, layout: Layout) -> FloatArray:
    """Two coincident cardioids (2, n), left and right, from (>= 4, n) ambisonic samples; higher orders are ignored."""
    first = samples[:CHANNELS]
    if layout == "fuma":
        w, x, y, z = first
        first = np.stack([w * _FUMA_W, y, z, x])
    return np.asarray(foa_to_stereo(first), dtype=np.float32)


class AmbisonicEvidence:
    """Distinguishes first-order ambisonics from other four-channel recordings by energies and coherences.

    Args:
        rate: samples per second.
    """

    def __init__(self, rate: int) -> None:
        self._length = max(16, round(rate * BLOCK_SECONDS))
        self._held: FloatArray = np.zeros((CHANNELS, 0), np.float32)
        self._products: list[NDArray[np.float64]] = []

    def add(self, samples: FloatArray) -> None:
        """Add (4, n) samples."""
        held = np.concatenate([self._held, samples[:CHANNELS]], axis=1)
        blocks = held.shape[1] // self._length
        whole = held[:, : blocks * self._length].astype(np.float64).reshape(CHANNELS, blocks, self._length)
        self._products.append(np.einsum("cbn,cbn->bc", whole, whole))
        self._products[-1] = np.concatenate([self._products[-1], np.einsum("bn,cbn->bc", whole[0], whole[1:])], axis=1)
        self._held = held[:, blocks * self._length :]

    def verdict(self) -> Verdict:
        """Result: "foa" if the channels are certainly ambiX, "possible" if they may be ambisonic, otherwise "no"."""
        blocks = np.concatenate(self._products) if self._products else np.zeros((0, 2 * CHANNELS - 1))
        energy, cross = blocks[:, :CHANNELS], blocks[:, CHANNELS:]
        total = energy.sum(axis=1)
        loud = (total > total.max(initial=0.0) * 10 ** (-_LOUD_DB / 10)) & (energy[:, 0] > 0)
        if np.count_nonzero(loud) < _LEAST_BLOCKS:
            return "no"
        return _Blocks(energy[loud], cross[loud]).verdict()


class _Blocks:
    """Statistics of the loud blocks.

    Args:
        energy: (blocks, 4) energies of the channels.
        cross: (blocks, 3) sums of W times each other channel.
    """

    def __init__(self, energy: NDArray[np.float64], cross: NDArray[np.float64]) -> None:
        self._share = energy[:, 1:] / energy[:, :1]
        self._coherence = cross / np.sqrt(energy[:, 1:] * energy[:, :1] + 1e-30)
        self._total = _decibels(energy[:, 1:].sum() / energy[:, 0].sum())
        self._low, self._middle, self._high = np.percentile(_decibels(self._share.sum(axis=1)), [10, 50, 90])

    def verdict(self) -> Verdict:
        """See `AmbisonicEvidence`."""
        if self._opposite(_SURE) and self._spread(_STEADY_DB):
            if abs(self._middle - _SN3D_DB) <= _CERTAIN_DB:
                return "foa"
            other = any(abs(self._middle - level) <= _POSSIBLE_DB for level in _OTHER_DB)
            return "possible" if other else "no"
        near = abs(self._middle - _SN3D_DB) <= _POSSIBLE_DB
        if near and self._spread(_STEADY_DB) and self._in_front():
            return "possible"
        reverberant = (
            abs(self._total - _SN3D_DB) <= _LOOSE_TOTAL_DB and self._spread(_LOOSE_DB) and self._w_is_strongest()
        )
        return "possible" if reverberant and self._opposite(_WEAK) else "no"

    def _spread(self, most_db: float) -> bool:
        return bool(self._high - self._low <= 2 * most_db)

    def _opposite(self, sign: _Sign) -> bool:
        """Whether enough blocks have a channel with the opposite sign of W (sound from the right or from behind)."""
        found = (self._coherence < sign.coherence) & (self._share > 10 ** (sign.level_db / 10))
        return bool(np.count_nonzero(found.any(axis=1)) >= max(3, sign.share * len(found)))

    def _in_front(self) -> bool:
        """Whether X, the last channel, is a copy of W, as for a single source in front; rear loudspeakers are not."""
        alike = (self._share[:, 2] > 10 ** (_COPY_DB / 10)) & (self._coherence[:, 2] > _COHERENT)
        return bool(np.median(alike) == 1)

    def _w_is_strongest(self) -> bool:
        return bool((self._share.max(axis=1) > 10 ** (_POSSIBLE_DB / 10)).mean() <= _STRONGEST_SHARE)


def _decibels(ratio: Any) -> Any:
    return 10 * np.log10(ratio + 1e-12)
