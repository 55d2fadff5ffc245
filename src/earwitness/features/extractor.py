"""Computes a stack of feature maps from stereo sound."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earwitness.core.errors import NotStereoError, UnreadableMediaError
from earwitness.features import mel
from earwitness.features.config import TAGGER_CHANNELS, Channel, FeatureConfig
from earwitness.features.mel import mel_matrix
from earwitness.features.spatial import BandPowers, GccTransform, band_powers, bin_powers, in_bands, log_power, stpacc

_BLOCK: Final = 64
"""Frames transformed at once: small enough for the CPU cache, and for constant memory on long recordings."""


class FeatureExtractor:
    """Computes the channels of a `FeatureConfig` from one shared short-time Fourier transform.

    Frame k is centred on sample k hop + hop // 2, so that each label frame of 0.1 s contains the centres of exactly
    `frames_per_label` frames. Windows that extend beyond the sound are zero-padded. With `logmel` "librosa", frame k is
    centred on sample k hop, and there is an additional frame at the end.
    """

    def __init__(self, config: FeatureConfig | None = None) -> None:
        self.config = config = config or FeatureConfig()
        as_librosa = config.logmel == "librosa"
        self._mel = mel_matrix(
            config.sample_rate, config.window, config.mels, config.fmin, config.fmax, equal_area=as_librosa
        )
        self._window = _padded_window(config.window, 2 * config.hop) if as_librosa else _unit_window(config.window)
        self._centre = 0 if as_librosa else config.hop // 2
        self._gcc = None
        if "gcc" in config.channels:
            self._gcc = GccTransform.of(config.sample_rate, config.window, config.mels)
        # Number of neighbouring frames on each side for averaging the coherence.
        self._margin = config.coherence_frames // 2 if "coherence" in config.channels else 0

    @property
    def context_samples(self) -> int:
        """Number of samples on each side of a chunk that influence its features."""
        return self.config.window // 2 + self._margin * self.config.hop

    def num_frames(self, samples: int) -> int:
        """Number of feature frames of a sound, for whole label frames only."""
        return samples // self.config.label_samples * self.config.frames_per_label

    def __call__(self, stereo: NDArray[np.floating]) -> NDArray[np.float32]:
        """Features (C, T, mels) of a whole sound (2, N); T = N // label_samples * frames_per_label + closing_frames."""
        return self.extract(stereo)

    def extract(
        self, stereo: NDArray[np.floating], *, left: int = 0, right: int = 0, closing: bool = True
    ) -> NDArray[np.float32]:
        """Features of a chunk with its context.

        If a chunk starts at a label frame and has `context_samples` on each side, or the start or end of the sound, its
        features equal those of the whole sound up to rounding.

        Args:
            stereo: (2, left + N + right) samples in [-1, 1].
            left, right: number of context samples, for which no frames are returned.
            closing: whether the sound ends here, so that `closing_frames` are returned too.

        Returns:
            (C, T, mels) float32, T = N // label_samples * frames_per_label, and `closing_frames` if `closing`.

        Raises:
            NotStereoError: the sound does not have two channels.
            UnreadableMediaError: the sound contains NaN or infinite samples.
        """
        stereo = np.asarray(stereo, dtype=np.float32)
        if stereo.ndim != 2 or stereo.shape[0] != 2:
            raise NotStereoError(f"features need sound of shape (2, samples), left and right; got {stereo.shape}")
        if not np.isfinite(stereo).all():
            raise UnreadableMediaError("the sound has samples that are not finite numbers: decode it again")
        count = self.num_frames(max(stereo.shape[1] - left - right, 0)) + closing * self.config.closing_frames
        if not count:
            return np.zeros((len(self.config.channels), 0, self.config.mels), dtype=np.float32)
        frames = self._frames(stereo, left, count + 2 * self._margin)
        blocks = [self._transform(frames[:, begin : begin + _BLOCK]) for begin in range(0, frames.shape[1], _BLOCK)]
        bands = BandPowers(
            *(np.concatenate([getattr(block, field.name) for block, _ in blocks]) for field in fields(BandPowers))
        )
        lagged = {name: np.concatenate([block[name] for _, block in blocks]) for name in blocks[0][1]}
        inner = slice(self._margin, self._margin + count)
        names = [name for name in self.config.channels if name not in TAGGER_CHANNELS]
        tagger = self._tagger(stereo, left, count) if self.config.has_tagger else []
        return np.stack([self._channel(name, bands, lagged, inner) for name in names] + tagger)

    def powers(self, stereo: NDArray[np.float32]) -> BandPowers:
        """Powers (T, mels) of a whole sound (2, N) in the frames and bands of its features."""
        count = self.num_frames(stereo.shape[1])
        frames = self._frames(stereo, 0, count + 2 * self._margin)[:, self._margin : self._margin + count]
        mid, side = scipy.fft.rfft(frames * self._window, axis=-1)
        return band_powers(mid, side, self._mel)

    def _tagger(self, stereo: NDArray[np.float32], left: int, count: int) -> list[NDArray[np.float32]]:
        """The tagger's log-mels of mid for the first and the second half of each hop: (count, 64) each."""
        hop, window = self.config.hop // 2, mel.window_samples(self.config.sample_rate)
        frames = _frames_of(stereo, left + hop // 2 - window // 2, 2 * count, hop, window)[0]
        log_mels = np.concatenate(
            [mel.log_mel(frames[k : k + _BLOCK], self.config.sample_rate) for k in range(0, len(frames), _BLOCK)]
        )
        return [log_mels[0::2], log_mels[1::2]]

    def _frames(self, stereo: NDArray[np.float32], left: int, count: int) -> NDArray[np.float32]:
        """Mid and side in overlapping frames: (2, count, window), a view."""
        hop, window = self.config.hop, self.config.window
        return _frames_of(stereo, left + self._centre - window // 2 - self._margin * hop, count, hop, window)

    def _transform(self, frames: NDArray[np.float32]) -> tuple[BandPowers, dict[Channel, NDArray[np.float32]]]:
        """Band powers and the channels of lags that are configured, for a block of frames (2, F, window)."""
        mid, side = scipy.fft.rfft(frames * self._window, axis=-1)
        bins = bin_powers(mid, side)
        lagged: dict[Channel, NDArray[np.float32]] = {}
        if "stpacc" in self.config.channels:
            lagged["stpacc"] = stpacc(bins[0], self.config.stpacc_lags, self.config.stpacc_bins)
        if self._gcc is not None:
            lagged["gcc"] = self._gcc(bins)
        return in_bands(bins, self._mel), lagged

    def _channel(
        self, name: Channel, bands: BandPowers, lagged: dict[Channel, NDArray[np.float32]], inner: slice
    ) -> NDArray[np.float32]:
        """One channel (T, mels)."""
        if name == "intensity":
            return bands.intensity()[inner]
        if name == "coherence":
            return bands.coherence(self.config.coherence_frames)
        if name in lagged:
            return lagged[name][inner]
        side_of = {"logmel_m": bands.mid, "logmel_s": bands.side, "logmel_l": bands.left, "logmel_r": bands.right}
        return log_power(side_of[name][inner])


def _unit_window(length: int) -> NDArray[np.float32]:
    """Hann window, scaled so that a full-scale sine has power 1 in the power spectrum."""
    window: NDArray[np.float64] = np.hanning(length)
    unit: NDArray[np.float32] = (window * 2 / window.sum()).astype(np.float32)
    return unit


def _padded_window(length: int, support: int) -> NDArray[np.float32]:
    """Periodic Hann window of `support` samples, zero-padded symmetrically to `length`."""
    before = (length - support) // 2
    padded: NDArray[np.float64] = np.pad(np.hanning(support + 1)[:-1], (before, length - support - before))
    return padded.astype(np.float32)


def _frames_of(stereo: NDArray[np.float32], start: int, count: int, hop: int, window: int) -> NDArray[np.float32]:
    """Mid and side of stereo (2, N) in `count` overlapping frames from sample `start`: (2, count, window), a view."""
    stop = start + (count - 1) * hop + window
    samples = stereo.shape[1]
    first, last = min(max(start, 0), samples), min(max(stop, 0), samples)
    padded = np.zeros((2, stop - start), dtype=np.float32)
    inside = padded[:, first - start : last - start]
    np.add(stereo[0, first:last], stereo[1, first:last], out=inside[0])
    np.subtract(stereo[0, first:last], stereo[1, first:last], out=inside[1])
    padded *= np.float32(0.5)
    return sliding_window_view(padded, window, axis=1)[:, ::hop]
