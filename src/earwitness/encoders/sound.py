"""What all sound encoders do with stereo: check it, change its rate, make the channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.encoders.settings import CHANNEL_AZIMUTH, SoundChannel
from earwitness.encoders.tokens import TokenMap
from earwitness.errors import EncoderError
from earwitness.media.resample import resample


def as_channels(
    stereo: NDArray[np.float32], rate: int, wanted_rate: int, channels: tuple[SoundChannel, ...]
) -> NDArray[np.float32]:
    """The channels (C, m) float32 at `wanted_rate` of stereo sound (2, n) at `rate`.

    Raises:
        EncoderError: not stereo, empty, or not finite.
    """
    stereo = np.asarray(stereo, dtype=np.float32)
    if stereo.ndim != 2 or stereo.shape[0] != 2 or stereo.shape[1] == 0:
        raise EncoderError(f"an encoder takes stereo sound (2, n), not shape {stereo.shape}")
    if not np.isfinite(stereo).all():
        raise EncoderError("the sound holds values that are not finite; it is damaged")
    left, right = resample(stereo, rate, wanted_rate)
    made = {"L": left, "R": right, "M": (left + right) / 2, "S": (left - right) / 2}
    return np.stack([made[channel] for channel in channels])


def sound_map(tokens: NDArray[np.float32], times: NDArray[np.float64], channels: tuple[SoundChannel, ...]) -> TokenMap:
    """The token map of (T, C, D) tokens, one position a channel."""
    azimuth = np.array([CHANNEL_AZIMUTH[channel] for channel in channels], dtype=np.float32)
    return TokenMap(tokens, times, azimuth, np.where(np.isnan(azimuth), azimuth, np.float32(0)), "sound")
