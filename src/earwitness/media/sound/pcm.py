"""16-bit WAV files, read in part: a crop costs what the crop holds, whatever the recording's length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.container import check_file
from earwitness.media.sound.wave_header import PCM, WaveHeader, read_wave_header

_FULL_SCALE: Final = 32768.0
_SAMPLE_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class WavInfo:
    """The header of a WAV file, checked against its size.

    Attributes:
        rate: samples per second.
        channels: number of channels.
        samples: samples per channel that are there.
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
        UnreadableMediaError: no 16-bit PCM WAV file, or one that is cut short, or several joined.
    """
    check_file(path)
    try:
        header = read_wave_header(path)
    except OSError as error:
        raise UnreadableMediaError(f"{path}: cannot be read ({error.strerror})") from None
    if header is None:
        raise UnreadableMediaError(f"{path}: is no readable WAV file; convert it to 16-bit PCM WAV")
    _check(path, header)
    return WavInfo(header.rate, header.channels, header.samples_there, header.data_start)


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


def _check(path: Path, header: WaveHeader) -> None:
    if header.tag != PCM or header.bits != 8 * _SAMPLE_BYTES:
        raise UnreadableMediaError(
            f"{path}: has {header.bits}-bit samples of type {header.tag}; convert it to 16-bit PCM"
        )
    declared = header.declared_samples
    if declared is not None and header.samples_there < declared:
        raise UnreadableMediaError(
            f"{path}: is cut short: {header.samples_there} of {declared} samples are there; copy it again"
        )
    if header.behind is not None and header.behind.kind == "file":
        raise UnreadableMediaError(
            f"{path}: two files were joined: {header.behind_seconds:.1f} s lie behind the end of the first; split it"
        )
