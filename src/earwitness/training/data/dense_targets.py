"""Dense targets of simulated scenes: level difference of the direct sound and diffuseness, per label frame and band."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import TrainingError
from earwitness.features import FeatureExtractor
from earwitness.features.spatial import POWER_FLOOR
from earwitness.scenes.scene import Scene

LEVEL, DIFFUSE, AUDIBLE = 0, 1, 2
"""Planes of the targets."""
CHANNELS: Final = ("logmel_m", "logmel_s")
"""Features from which the power of everything is taken."""
_LEAST_POWER: Final = 10 * POWER_FLOOR
"""Mean power of a cell, mid and side, below which it has no targets: there is digital silence."""


def dense_targets(scene: object, features: NDArray[np.floating], extractor: FeatureExtractor) -> NDArray[np.float16]:
    """Targets (3, T', mels) of a scene that was rendered with its direct sound.

    With the powers of left and right of the direct sound of all labelled sources, L and R, summed over the feature
    frames of a label frame and over a mel band:

    - level difference (L - R) / (L + R) = 2 Re(M S*) / (|M|^2 + |S|^2) in [-1, 1], positive to the left; for a single
      source and coincident cardioids 2 s / (1 + s^2), where s is the sine of the lateral angle;
    - diffuseness 1 - (L + R) / all power in [0, 1]: the share of reverberation, noise and interference (compare Pulkki
      2007, Directional Audio Coding, where it is estimated from the intensity);
    - audible: 1, or 0 in cells without energy, whose other targets have no meaning.

    Args:
        scene: the scene.
        features: (C, T, mels) of the scene, with the log-mels of mid and side.
        extractor: of the features.

    Raises:
        TrainingError: the scene has no direct sound: it is a recording, or its source cannot render it.
    """
    if not isinstance(scene, Scene) or scene.direct is None:
        raise TrainingError("model.dense is trained on scenes of a bank: train without data.folders")
    config = extractor.config
    direct = extractor.powers(scene.direct)
    each = config.frames_per_label
    mid, side = (features[config.channels.index(name)].astype(np.float64) for name in CHANNELS)
    left, right = (_summed(power[: len(mid)], each) for power in (direct.left, direct.right))
    everything = 2 * _summed(10**mid + 10**side, each)
    near = left + right
    level = (left - right) / np.maximum(near, POWER_FLOOR)
    diffuse = 1 - np.minimum(near / everything, 1)
    audible = everything > 2 * each * _LEAST_POWER
    return np.stack([level, diffuse, audible]).astype(np.float16)


def mirrored(targets: NDArray[np.float16]) -> NDArray[np.float16]:
    """The targets with left and right swapped: level differences change their sign."""
    turned = targets.copy()
    turned[LEVEL] *= -1
    return turned


def _summed(power: NDArray[np.floating], frames: int) -> NDArray[np.float64]:
    """Sums over each label frame: (T, mels) -> (T / frames, mels)."""
    return np.asarray(power.reshape(-1, frames, power.shape[1]).sum(axis=1, dtype=np.float64))
