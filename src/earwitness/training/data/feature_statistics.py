"""Statistics of training features, for a network's feature normalisation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from earwitness.features import TAGGER_CHANNELS
from earwitness.training.data.clip_stream import SceneStream


def feature_statistics(stream: SceneStream, scenes: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C, 1, 1) of the features of the first scenes.

    All log-mel channels share one mean and one deviation, since the level differences between them carry direction. The
    tagger's channels are not normalised.
    """
    maps = np.stack([stream.scene(index)[1] for index in range(scenes)], axis=1).astype(np.float64)
    channels = stream.features.channels
    mean, std = maps.mean(axis=(1, 2, 3)), maps.std(axis=(1, 2, 3))
    level = np.array([name.startswith("logmel") for name in channels])
    if level.any():
        mean[level], std[level] = maps[level].mean(), maps[level].std()
    for index in (channels.index(name) for name in TAGGER_CHANNELS if name in channels):
        mean[index], std[index] = 0.0, 1.0
    shape = (len(channels), 1, 1)
    return (
        torch.from_numpy(mean.astype(np.float32)).reshape(shape),
        torch.from_numpy(np.maximum(std, 1e-3).astype(np.float32)).reshape(shape),
    )
