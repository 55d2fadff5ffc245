"""Configuration of the acoustic features, which is part of every model card, and left-right swapping of features."""

from __future__ import annotations

import hashlib
import json
from typing import Final, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from earwitness.core.errors import UsageError
from earwitness.core.events import FRAME_RATE
from earwitness.core.schema import StrictModel
from earwitness.features.mel import FRAMES_PER_SECOND, MELS, suits

_SWAPPED: Final[dict[Channel, Channel]] = {"logmel_l": "logmel_r", "logmel_r": "logmel_l"}


def swap(features: NDArray[np.floating], config: FeatureConfig) -> NDArray[np.floating]:
    """Features of the channel-swapped sound, computed from the features.

    The intensity changes its sign, the lags of the GCC-PHAT are reversed.

    Args:
        features: (..., C, T, mels), described by `config`.

    Raises:
        UsageError: the configuration has only one of logmel_l and logmel_r.
    """
    order = [_SWAPPED.get(name, name) for name in config.channels]
    missing = set(order) - set(config.channels)
    if missing:
        raise UsageError(
            f"cannot swap features without the channel {missing.pop()}: use logmel_l and logmel_r together"
        )
    swapped = features[..., [config.channels.index(name) for name in order], :, :]
    if "intensity" in config.channels:
        swapped[..., config.channels.index("intensity"), :, :] *= -1
    if "gcc" in config.channels:
        lags = config.channels.index("gcc")
        swapped[..., lags, :, :] = swapped[..., lags, :, ::-1].copy()
    return swapped


Channel = Literal[
    "logmel_m", "logmel_s", "logmel_l", "logmel_r", "intensity", "coherence", "stpacc", "gcc", "tagger_first",
    "tagger_second",
]  # fmt: skip
TAGGER_CHANNELS: Final[tuple[Channel, ...]] = ("tagger_first", "tagger_second")
"""Inputs of a tagger inside the network (see `mel.log_mel`): two 10-ms frames of mid per 20-ms feature frame."""
CHANNELS: Final[tuple[Channel, ...]] = tuple(name for name in get_args(Channel) if name not in TAGGER_CHANNELS)
"""Log-mels of mid, side, left and right; mid-side intensity; left-right coherence; autocorrelation of mid; GCC-PHAT of
left and right."""

_REVISION: Final = 1
"""Increased whenever the same configuration produces other numbers, so that fingerprints differ."""


class FeatureConfig(StrictModel):
    """Selection and parameters of the features.

    Attributes:
        sample_rate: Hz.
        window: length of the STFT's Hann window in samples.
        hop: samples between frames; a label frame (0.1 s) must be a whole number of hops.
        mels: number of bands, the width of every channel.
        fmin: Hz, lower edge of the lowest band.
        fmax: Hz, upper edge of the highest band.
        logmel: method for the log-mels. `centred`: a Hann window of length `window`, bands with a peak of 1, a
            full-scale sine has power 1, and each label frame contains the centres of its frames. `librosa`: like the
            official DCASE2025 baseline with librosa's defaults: a periodic Hann window of two hops in an FFT of length
            `window`, bands of equal area, no scaling, frame k centred on sample k hop, and one additional frame at the
            end.
        channels: names from `CHANNELS` in stacking order; for networks with a tagger, followed by both
            `TAGGER_CHANNELS`.
        coherence_frames: number of frames (odd) over which the coherence is averaged.
        stpacc_lags: number of autocorrelation lags, in samples.
        stpacc_bins: number of bins that the lags are resampled to; must equal `mels`.
    """

    # The upper limits reject damaged files, which could cause huge allocations or overflows.
    sample_rate: int = Field(default=24_000, ge=1, le=1_000_000)
    window: int = Field(default=1024, ge=16, le=2**16)
    hop: int = Field(default=480, ge=1, le=2**16)
    mels: int = Field(default=64, ge=1, le=2**12)
    fmin: float = Field(default=50.0, ge=0)
    fmax: float = 12_000.0
    logmel: Literal["centred", "librosa"] = "centred"
    channels: tuple[Channel, ...] = ("logmel_m", "logmel_s", "intensity", "coherence", "stpacc")
    coherence_frames: int = Field(default=5, ge=1, le=1001)
    stpacc_lags: PositiveInt = 512
    stpacc_bins: PositiveInt = 64

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.sample_rate % FRAME_RATE or self.label_samples % self.hop:
            raise ValueError(f"0.1 s at {self.sample_rate} Hz must be a whole number of hops, and hop is {self.hop}")
        if not self.fmin < self.fmax <= self.sample_rate / 2:
            raise ValueError(f"fmin {self.fmin} < fmax {self.fmax} <= sample_rate / 2 is violated")
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise ValueError(f"channels must be one or more different names of: {', '.join(CHANNELS)}")
        if self.coherence_frames % 2 == 0:
            raise ValueError(
                f"coherence_frames must be odd, so that the average is centred; got {self.coherence_frames}"
            )
        if self.window % 2:
            raise ValueError(f"window must be even, got {self.window}")
        if "stpacc" in self.channels and self.stpacc_bins != self.mels:
            raise ValueError(f"stpacc_bins ({self.stpacc_bins}) must equal mels ({self.mels}): channels are stacked")
        if self.has_tagger:
            self._check_tagger()
        if self.logmel == "librosa" and not {"logmel_l", "logmel_r", "logmel_m", "logmel_s"}.issuperset(self.channels):
            raise ValueError("logmel 'librosa' goes with the channels logmel_l, logmel_r, logmel_m and logmel_s alone")
        if self.logmel == "librosa" and 2 * self.hop > self.window:
            raise ValueError(f"logmel 'librosa' needs a window of two hops or more, {2 * self.hop}, got {self.window}")
        if not self.stpacc_bins <= self.stpacc_lags <= self.window // 2:
            raise ValueError(f"stpacc_lags must lie in {self.stpacc_bins}..{self.window // 2}, got {self.stpacc_lags}")
        return self

    def _check_tagger(self) -> None:
        if self.channels[-2:] != TAGGER_CHANNELS:
            raise ValueError(f"channels must end with both {' and '.join(TAGGER_CHANNELS)}, or have neither")
        if not suits(self.sample_rate) or self.hop * FRAMES_PER_SECOND != 2 * self.sample_rate or self.mels != MELS:
            raise ValueError(f"a tagger needs a sample rate in whole kHz from 16000, a hop of 20 ms and {MELS} mels")

    @property
    def has_tagger(self) -> bool:
        """Whether the channels include those of a tagger."""
        return not set(TAGGER_CHANNELS).isdisjoint(self.channels)

    @property
    def label_samples(self) -> int:
        """Samples in one label frame of 0.1 s."""
        return self.sample_rate // FRAME_RATE

    @property
    def frames_per_label(self) -> int:
        """Feature frames in one label frame."""
        return self.label_samples // self.hop

    @property
    def closing_frames(self) -> int:
        """Number of frames at the end of a sound that belong to no label frame."""
        return 1 if self.logmel == "librosa" else 0

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that are equal if and only if the features are equal."""
        given = {"revision": _REVISION, **self.model_dump(mode="json")}
        if self.logmel == "centred":  # the default, left out so that fingerprints of older versions stay valid
            del given["logmel"]
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]
