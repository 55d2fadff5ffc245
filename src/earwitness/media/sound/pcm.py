"""16-bit WAV files, read in part: a crop costs what the crop holds, whatever the recording's length.

The standard library's reader refuses "extensible" headers, which MATLAB and FFmpeg write for four channels.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import UnreadableMediaError

_FULL_SCALE: Final = 32768.0
_SAMPLE_BYTES: Final = 2
_PCM_TAGS: Final = (0x0001, 0xFFFE)


@dataclass(frozen=True, slots=True)
class WavInfo:
    """The header of a WAV file, checked against its size.

    Attributes:
        rate: samples per second.
        channels: number of channels.
        samples: samples per channel.
        offset: byte at which the samples begin.
    """

    rate: int
    channels: int
    samples: int
    offset: int

    @property
    def seconds(self) -> float:
        """Length."""
        return self.samples / self.rate


def wav_info(path: Path) -> WavInfo:
    """Read the header.

    Raises:
        UnreadableMediaError: no 16-bit PCM WAV file, or one that is cut short.
    """
    try:
        with path.open("rb") as file:
            return _header(file, path)
    except (OSError, struct.error) as error:
        raise UnreadableMediaError(f"{path}: is no readable WAV file ({_reason(error)})") from None


def read_pcm(path: Path, start: int = 0, samples: int | None = None) -> NDArray[np.float32]:
    """Read part of a file.

    Args:
        path: a 16-bit PCM WAV file.
        start: first sample.
        samples: how many; None reads to the end.

    Returns:
        (channels, samples) float32 in [-1, 1).

    Raises:
        UnreadableMediaError: not such a file, or the samples are not there.
    """
    info = wav_info(path)
    wanted = info.samples - start if samples is None else samples
    if not 0 <= start <= start + wanted <= info.samples:
        raise UnreadableMediaError(f"{path}: has {info.samples} samples, not {start}..{start + wanted}")
    offset = info.offset + start * info.channels * _SAMPLE_BYTES
    pcm = np.fromfile(path, dtype="<i2", count=wanted * info.channels, offset=offset).reshape(-1, info.channels)
    return np.asarray(np.multiply(pcm.T, np.float32(1 / _FULL_SCALE), dtype=np.float32, order="C"))


def _header(file: BinaryIO, path: Path) -> WavInfo:
    riff, _, kind = struct.unpack("<4sI4s", file.read(12))
    if riff != b"RIFF" or kind != b"WAVE":
        raise UnreadableMediaError(f"{path}: is no WAV file; convert it to 16-bit PCM WAV")
    rate = channels = 0
    while True:
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"fmt ":
            tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", file.read(16))
            if tag not in _PCM_TAGS or bits != 8 * _SAMPLE_BYTES or not rate or not channels:
                raise UnreadableMediaError(f"{path}: has {bits}-bit samples of type {tag}; convert it to 16-bit PCM")
            file.seek(size - 16 + size % 2, 1)
        elif name == b"data" and rate:
            offset, length = file.tell(), path.stat().st_size
            if offset + size > length:
                there = max(0, (length - offset) // (channels * _SAMPLE_BYTES))
                promised = size // (channels * _SAMPLE_BYTES)
                raise UnreadableMediaError(
                    f"{path}: is cut short: {there} of {promised} samples are there; copy it again"
                )
            return WavInfo(rate, channels, size // (channels * _SAMPLE_BYTES), offset)
        else:
            file.seek(size + size % 2, 1)


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it ends too early"
