"""First-order ambisonics in the sound track of a file: recognised by name or by content, and turned into stereo.

ambiX has the channels W, Y, Z, X (ACN) with gains SN3D: of any sound field, near or diffuse, Y, Z and X have together
the energy of W. The older order of Furse and Malham (FuMa) is W, X, Y, Z, and its W is 3 dB lower. In either, what
comes from the right or from behind stands in Y or X with the opposite sign of W; microphones that are not ambisonic do
not turn the sign of a whole channel with the direction.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.geometry import foa_to_stereo

FloatArray = NDArray[np.float32]
Layout = Literal["auto", "foa", "fuma", "surround"]
"""What the channels of a track are taken for: what the file shows, ambiX, FuMa, or loudspeakers as labelled."""
LAYOUTS: Final[tuple[Layout, ...]] = ("auto", "foa", "fuma", "surround")
Verdict = Literal["foa", "possible", "no"]

CHANNELS: Final = 4
BLOCK_SECONDS: Final = 0.05
ANALYSED_SECONDS: Final = 600.0
_LOUD_DB: Final = 30.0
_LEAST_BLOCKS: Final = 5
_SN3D_DB: Final = 0.0
_OTHER_DB: Final = (3.01, 4.77)
"""Energy of the other channels over that of W by FuMa and by N3D."""
_WITHIN_DB: Final = 1.0
_SPREAD_DB: Final = 2.5
_OPPOSITE: Final = -0.5
_COHERENT: Final = 0.9
_NOTABLE_DB: Final = -15.0
_SIGNED_SHARE: Final = 0.02
_FUMA_W: Final = np.float32(np.sqrt(2))


def is_ambisonic_layout(channels: tuple[str, ...]) -> bool:
    """Whether a layout's channel names begin with four ambisonic ones."""
    return len(channels) >= CHANNELS and all(name.startswith("AMBI") for name in channels[:CHANNELS])


def ambisonic_stereo(samples: FloatArray, layout: Layout) -> FloatArray:
    """Two coincident cardioids (2, n), left and right, of (>= 4, n) ambisonic samples; higher orders are left out."""
    first = samples[:CHANNELS]
    if layout == "fuma":
        w, x, y, z = first
        first = np.stack([w * _FUMA_W, y, z, x])
    return np.asarray(foa_to_stereo(first), dtype=np.float32)


class AmbisonicEvidence:
    """Tells first-order ambisonics from other recordings with four channels by how their energies depend on each other.

    Args:
        rate: samples per second.
    """

    def __init__(self, rate: int) -> None:
        self._length = max(16, round(rate * BLOCK_SECONDS))
        self._held: FloatArray = np.zeros((CHANNELS, 0), np.float32)
        self._products: list[NDArray[np.float64]] = []

    def add(self, samples: FloatArray) -> None:
        """Take in (4, n) samples."""
        held = np.concatenate([self._held, samples[:CHANNELS]], axis=1)
        blocks = held.shape[1] // self._length
        whole = held[:, : blocks * self._length].astype(np.float64).reshape(CHANNELS, blocks, self._length)
        self._products.append(np.einsum("cbn,cbn->bc", whole, whole))
        self._products[-1] = np.concatenate([self._products[-1], np.einsum("bn,cbn->bc", whole[0], whole[1:])], axis=1)
        self._held = held[:, blocks * self._length :]

    def verdict(self) -> Verdict:
        """Whether the channels are ambiX for certain, may be ambisonic, or are not."""
        blocks = np.concatenate(self._products) if self._products else np.zeros((0, 2 * CHANNELS - 1))
        energy, cross = blocks[:, :CHANNELS], blocks[:, CHANNELS:]
        total = energy.sum(axis=1)
        loud = (total > total.max(initial=0.0) * 10 ** (-_LOUD_DB / 10)) & (energy[:, 0] > 0)
        if np.count_nonzero(loud) < _LEAST_BLOCKS:
            return "no"
        energy, cross = energy[loud], cross[loud]
        ratio = 10 * np.log10(energy[:, 1:].sum(axis=1) / energy[:, 0] + 1e-12)
        share = energy[:, 1:] / energy[:, :1]
        coherence = cross / np.sqrt(energy[:, 1:] * energy[:, :1] + 1e-30)
        low, middle, high = np.percentile(ratio, [10, 50, 90])
        steady = high - low <= 2 * _SPREAD_DB
        opposite = (coherence < _OPPOSITE) & (share > 10 ** (_NOTABLE_DB / 10))
        signed = np.count_nonzero(opposite.any(axis=1)) >= max(3, _SIGNED_SHARE * len(ratio))
        if not steady:
            return "no"
        if abs(middle - _SN3D_DB) <= _WITHIN_DB:
            if signed:
                return "foa"
            return "possible" if _in_front(share, coherence) else "no"
        others = any(abs(middle - level) <= _WITHIN_DB / 2 for level in _OTHER_DB)
        return "possible" if signed and others else "no"


def _in_front(share: NDArray[np.float64], coherence: NDArray[np.float64]) -> bool:
    """Whether X, the last channel, is a copy of W: as a lone source in front has it, and no loudspeaker behind."""
    alike = (share[:, 2] > 10 ** (_NOTABLE_DB / 10)) & (coherence[:, 2] > _COHERENT)
    return bool(np.median(alike) == 1)
