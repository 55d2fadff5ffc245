"""Sound activity of a recording by its energy; the labels of synthetic scenes are based on it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.scenes.scene import SAMPLE_RATE

BLOCK_SECONDS: Final = 0.01
BLOCK_SAMPLES: Final = int(SAMPLE_RATE * BLOCK_SECONDS)
THRESHOLD_DB: Final = -38.0
"""A block is active if its level exceeds this, relative to the loud parts of the recording (95th percentile)."""


def sounding_blocks(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which 10-ms blocks of a recording are active: (ceil(n / BLOCK_SAMPLES),) bool."""
    energy = _block_energy(samples)
    return np.asarray(energy > np.percentile(energy, 95) * 10 ** (THRESHOLD_DB / 10))


def loud_level(samples: NDArray[np.float32]) -> float:
    """RMS of the loud parts of a recording, the reference of `THRESHOLD_DB`."""
    return float(np.sqrt(np.percentile(_block_energy(samples), 95)))


def _block_energy(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    padded = np.pad(samples, (0, -samples.size % BLOCK_SAMPLES)).reshape(-1, BLOCK_SAMPLES)
    return np.convolve(np.mean(padded.astype(np.float64) ** 2, axis=1), np.full(3, 1 / 3), mode="same")
