"""Sources that face somewhere: how loud they are to each side, by octave band.

First-order patterns, (1 - a) + a cos(angle), whose share a grows with frequency as it does for talkers and small
loudspeakers: nearly round at 125 Hz, 16 dB quieter behind than ahead at 8 kHz (Chu and Warnock 2002, talkers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FULL_SHARE: Final = (0.05, 0.12, 0.20, 0.30, 0.35, 0.40, 0.42)
"""a of a talker in each octave band from 125 Hz to 8 kHz."""


@dataclass(frozen=True, slots=True)
class Directivity:
    """Where a source faces, and how much that matters.

    Attributes:
        facing: unit vector, in the room's axes.
        strength: from 0, alike to all sides, to 1, a talker.
    """

    facing: tuple[float, float, float]
    strength: float

    @property
    def share(self) -> NDArray[np.float64]:
        """(7,) a of each octave band."""
        return self.strength * np.asarray(FULL_SHARE)

    def gain(self, towards: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gains (7, n) relative to straight ahead, towards unit vectors (3, n) in the room's axes."""
        cosine = np.asarray(self.facing) @ towards
        return 1 - self.share[:, None] * (1 - cosine)

    @property
    def power(self) -> NDArray[np.float64]:
        """(7,) mean power over all directions relative to straight ahead: what reverberation is fed with."""
        return np.asarray((1 - self.share) ** 2 + self.share**2 / 3)


def draw_directivity(towards: NDArray[np.float64], rng: np.random.Generator) -> Directivity:
    """A source that faces anywhere, the microphone a little more often, mostly level; some are alike to all sides.

    Args:
        towards: (3,) from the source to the microphone.
        rng: draws.
    """
    azimuth = np.arctan2(towards[1], towards[0]) + rng.normal(0, 1.6)
    up = np.clip(rng.normal(0, 0.2), -1, 1)
    level = np.sqrt(1 - up**2)
    strength = 0.0 if rng.random() < 0.25 else float(rng.uniform(0.3, 1.0))
    return Directivity((float(level * np.cos(azimuth)), float(level * np.sin(azimuth)), float(up)), strength)


def leaving(
    images: NDArray[np.float64], source: NDArray[np.float64], microphone: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unit vectors (3, n) in which what arrives from each image source of a shoebox left the source.

    Along each axis an image lies at 2 k L + x or at 2 k L - x; in the second case it is mirrored, and so is its sound.

    Args:
        images: (3, n) metres relative to the microphone.
        source, microphone: (3,) metres in the room.
        size: (3,) of the room.
    """
    place = images + microphone[:, None]
    periods = (place - source[:, None]) / (2 * size[:, None])
    mirrored = np.abs(periods - np.rint(periods)) > 1e-4
    way = np.where(mirrored, images, -images)
    return np.asarray(way / np.linalg.norm(images, axis=0))
