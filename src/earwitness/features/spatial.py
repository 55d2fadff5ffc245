"""What the level difference of two coincident cardioids says about direction and diffuseness.

The two channels are cardioids facing left and right: for a plane wave from s = sin(azimuth) cos(elevation),
L = (1 + s) w and R = (1 - s) w, hence mid M = (L + R)/2 = w and side S = (L - R)/2 = s w.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

POWER_FLOOR: Final = 1e-10
"""Power in a band (a full-scale sine has 1) below which it counts as silent: about the noise of 16-bit samples."""


@dataclass(frozen=True, slots=True, eq=False)
class BandPowers:
    """Second-order statistics of a stereo signal: F frames, in mel bands.

    Attributes:
        mid, side, left, right: (F, mels) float32, powers.
        quadrature: (F, mels) float32, imaginary part of the cross-spectrum M* S; 0 for a plane wave.
    """

    mid: NDArray[np.float32]
    side: NDArray[np.float32]
    left: NDArray[np.float32]
    right: NDArray[np.float32]
    quadrature: NDArray[np.float32]

    def intensity(self) -> NDArray[np.float32]:
        """Mid-side intensity Re(M* S) / |M|^2 in [-1, 1]: the lateral component s of the FOA active intensity."""
        # Left and right power come from their own spectra, so that a hard-panned sound loses nothing to rounding.
        cross = (self.left - self.right) / 4
        return np.asarray(np.clip(cross / (self.mid + POWER_FLOOR), -1.0, 1.0), dtype=np.float32)

    def coherence(self, frames: int) -> NDArray[np.float32]:
        """Magnitude-squared coherence |L* R|^2 / (|L|^2 |R|^2) in [0, 1], averaged over `frames` (odd).

        1 for one dry source, wherever it is; about 1/4 in a diffuse field. So it tells direct from reverberant sound.

        Returns:
            (F - frames + 1, mels): frames for which all neighbours exist.
        """
        real, imaginary = _moving_sum(self.mid - self.side, frames), 2 * _moving_sum(self.quadrature, frames)
        powers = _moving_sum(self.left, frames) * _moving_sum(self.right, frames)
        coherent = (real**2 + imaginary**2) / (powers + POWER_FLOOR**2)
        return np.asarray(np.clip(coherent, 0.0, 1.0), dtype=np.float32)


def band_powers(mid: NDArray[np.complex64], side: NDArray[np.complex64], mel: NDArray[np.float32]) -> BandPowers:
    """Sum the spectra (F, window // 2 + 1) of mid and side into the bands of `mel` (window // 2 + 1, mels)."""
    spectra = (power(mid), power(side), power(mid + side), power(mid - side))
    quadrature = mid.real * side.imag - mid.imag * side.real
    bands = np.concatenate([*spectra, quadrature]) @ mel
    return BandPowers(*bands.reshape(5, len(mid), -1))


def power(spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Squared magnitude."""
    return np.square(spectrum.real) + np.square(spectrum.imag)


def log_power(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decimal logarithm of a power, not below log10(1e-10) = -10; not normalised: the model holds the scaler."""
    return np.log10(np.maximum(band, np.float32(POWER_FLOOR)))


def _moving_sum(values: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Sum over `frames` neighbours: (F, mels) -> (F - frames + 1, mels)."""
    count = len(values) - frames + 1
    # Not by differences of a cumulative sum: those would smear rounding errors of loud frames over silent ones.
    total = values[:count].copy()
    for offset in range(1, frames):
        total += values[offset : offset + count]
    return total
