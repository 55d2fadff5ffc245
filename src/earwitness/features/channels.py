"""Left-right swap of features, without going back to the sound."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import RecipeError
from earwitness.features.config import Channel, FeatureConfig

_SWAPPED: Final[dict[Channel, Channel]] = {"logmel_l": "logmel_r", "logmel_r": "logmel_l"}


def swap(features: NDArray[np.floating], config: FeatureConfig) -> NDArray[np.floating]:
    """Features of the channel-swapped sound: S and with it the intensity change sign, left and right change places.

    Args:
        features: (..., C, T, mels), as `config` describes them.

    Raises:
        RecipeError: the configuration has one of logmel_l and logmel_r without the other.
    """
    order = [_SWAPPED.get(name, name) for name in config.channels]
    missing = set(order) - set(config.channels)
    if missing:
        raise RecipeError(
            f"cannot swap features without the channel {missing.pop()}: use logmel_l and logmel_r together"
        )
    swapped = features[..., [config.channels.index(name) for name in order], :, :]
    if "intensity" in config.channels:
        swapped[..., config.channels.index("intensity"), :, :] *= -1
    return swapped
