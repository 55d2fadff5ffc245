"""Converts any channel layout to stereo."""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Any, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

_HALF_POWER: Final = 1 / sqrt(2)
_LEFT: Final = {"FL": 1.0, "DL": 1.0, "FLC": 1.0, "WL": _HALF_POWER, "SL": _HALF_POWER, "BL": _HALF_POWER,
                "SDL": _HALF_POWER, "TFL": _HALF_POWER, "TBL": _HALF_POWER, "TSL": _HALF_POWER}  # fmt: skip
_RIGHT: Final = {"FR": 1.0, "DR": 1.0, "FRC": 1.0, "WR": _HALF_POWER, "SR": _HALF_POWER, "BR": _HALF_POWER,
                 "SDR": _HALF_POWER, "TFR": _HALF_POWER, "TBR": _HALF_POWER, "TSR": _HALF_POWER}  # fmt: skip
_BOTH: Final = {"FC": _HALF_POWER, "BC": 0.5, "TC": 0.5, "TFC": 0.5, "TBC": 0.5}
_SILENT: Final = frozenset({"LFE", "LFE2"})
_LONG: Final = frozenset({"s64", "s64p"})
_MOST_PLANES: Final = 7
LOUDEST: Final = 1e6
"""Larger floats (120 dB above full scale) are damaged samples. 16-bit integers stored as floats without scaling are
smaller than this."""


@cache
def stereo_matrix(channels: tuple[str, ...]) -> NDArray[np.float32] | None:
    """Downmix matrix (2, channels) by ITU-R BS.775: L = FL + 0.707 FC + 0.707 SL (+ 0.707 BL), without LFE.

    The gains are not normalised, so that sound in front keeps its level; floats can exceed 1.

    Args:
        channels: FFmpeg's channel names, such as ("FL", "FR", "FC", "LFE", "BL", "BR").

    Returns:
        None if a channel has no known direction, as in ambisonics or discrete layouts.
    """
    known = _LEFT.keys() | _RIGHT.keys() | _BOTH.keys() | _SILENT
    if not all(name in known for name in channels):
        return None
    left = [_LEFT.get(name, 0.0) + _BOTH.get(name, 0.0) for name in channels]
    right = [_RIGHT.get(name, 0.0) + _BOTH.get(name, 0.0) for name in channels]
    return np.array([left, right], dtype=np.float32)


def frame_samples(frame: AudioFrame) -> NDArray[np.float32]:
    """Samples (channels, n) of a decoded frame as floats, from any sample format, planar or packed.

    Integers are scaled to [-1, 1]; floats are unchanged and may include NaN and infinities (see `silence_damage`).
    """
    frame = _with_few_planes(frame)
    raw = _raw(frame)
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype == np.uint8:
        return ((raw.astype(np.float32) - 128) / 128).astype(np.float32)
    if np.issubdtype(raw.dtype, np.integer):
        return (raw / -float(np.iinfo(raw.dtype).min)).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # large doubles become infinite
        return raw.astype(np.float32)


def silence_damage(samples: NDArray[np.float32]) -> int:
    """Set NaN, infinite and too large samples (`LOUDEST`) to 0 in place; returns their number."""
    if np.abs(samples).max(initial=0.0) <= LOUDEST:  # also False for NaN
        return 0
    bad = ~(np.abs(samples) <= LOUDEST)
    samples[bad] = 0
    return int(np.count_nonzero(bad))


def _with_few_planes(frame: AudioFrame) -> AudioFrame:
    """The frame itself, or one with all channels in one plane where there are many.

    From eight planes on, PyAV takes what stands in memory behind their addresses for further ones, until it finds a
    zero, and crashes when it reads them.
    """
    if not frame.format.is_planar or frame.layout.nb_channels <= _MOST_PLANES:
        return frame
    packer = av.AudioResampler(frame.format.packed.name, frame.layout, frame.sample_rate)
    (packed, *_) = [*packer.resample(frame), *packer.resample(None)]
    return packed


def _raw(frame: AudioFrame) -> NDArray[Any]:
    if frame.format.name not in _LONG:
        return frame.to_ndarray()
    # PyAV has no arrays of 64-bit integers.
    values = frame.samples * (1 if frame.format.is_planar else frame.layout.nb_channels)
    return np.stack([np.frombuffer(bytes(plane), dtype="<i8", count=values) for plane in frame.planes])


def to_stereo(samples: NDArray[np.float32], channels: tuple[str, ...]) -> tuple[NDArray[np.float32], bool]:
    """Convert samples (channels, n) to stereo (2, n); also returns whether the layout is known.

    Mono is copied to both channels; of an unknown layout the first two channels are used.
    """
    if samples.shape[0] == 1:
        return np.repeat(samples, 2, axis=0), True
    if samples.shape[0] == 2:
        return samples, True
    matrix = stereo_matrix(channels)
    if matrix is None:
        return samples[:2], False
    return matrix @ samples, True
