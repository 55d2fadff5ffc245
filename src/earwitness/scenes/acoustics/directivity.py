"""Directivity of sources by octave band.

The patterns are first-order, (1 - a) + a cos(angle). The share a increases with frequency, as for talkers and small
loudspeakers: nearly omnidirectional at 125 Hz, 16 dB weaker to the rear than to the front at 8 kHz (talkers: Chu and
Warnock 2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FULL_SHARE: Final = (0.05, 0.12, 0.20, 0.30, 0.35, 0.40, 0.42)
"""Share a of a talker in each octave band from 125 Hz to 8 kHz."""


@dataclass(frozen=True, slots=True)
class Directivity:
    """Orientation and strength of the directivity of a source.

    Attributes:
        facing: unit vector in room coordinates.
        strength: from 0 (omnidirectional) to 1 (a talker).
    """

    facing: tuple[float, float, float]
    strength: float

    @property
    def share(self) -> NDArray[np.float64]:
        """(7,) share a of each octave band."""
        return self.strength * np.asarray(FULL_SHARE)

    def gain(self, towards: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gains (7, n) relative to the front, towards unit vectors (3, n) in room coordinates."""
        cosine = np.asarray(self.facing) @ towards
        return 1 - self.share[:, None] * (1 - cosine)

    @property
    def power(self) -> NDArray[np.float64]:
        """(7,) mean power over all directions relative to the front: the power that excites reverberation."""
        return np.asarray((1 - self.share) ** 2 + self.share**2 / 3)


def draw_directivity(towards: NDArray[np.float64], rng: np.random.Generator) -> Directivity:
    """A random directivity: any azimuth, with a slight preference for the microphone; some are omnidirectional.

    Args:
        towards: (3,) vector from the source to the microphone.
        rng: random generator.
    """
    azimuth = np.arctan2(towards[1], towards[0]) + rng.normal(0, 1.6)
    up = np.clip(rng.normal(0, 0.2), -1, 1)
    level = np.sqrt(1 - up**2)
    strength = 0.0 if rng.random() < 0.25 else float(rng.uniform(0.3, 1.0))
    return Directivity((float(level * np.cos(azimuth)), float(level * np.sin(azimuth)), float(up)), strength)


def leaving(
    images: NDArray[np.float64], source: NDArray[np.float64], microphone: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unit vectors (3, n) of the directions in which the sound of each image source of a shoebox left the source.

    Along each axis an image lies at 2 k L + x or at 2 k L - x; in the second case the image and its directivity are
    mirrored.

    Args:
        images: (3, n) metres relative to the microphone.
        source, microphone: (3,) metres in room coordinates.
        size: (3,) size of the room in metres.
    """
    place = images + microphone[:, None]
    periods = (place - source[:, None]) / (2 * size[:, None])
    mirrored = np.abs(periods - np.rint(periods)) > 1e-4
    way = np.where(mirrored, images, -images)
    return np.asarray(way / np.linalg.norm(images, axis=0))
