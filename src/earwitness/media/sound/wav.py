"""Writes 16-bit WAV files, and reads any part of one in a time that does not depend on its length."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncodingError, UnreadableMediaError
from earwitness.core.files.atomic import atomic_file
from earwitness.media.containers.container import check_file
from earwitness.media.sound.wave_header import PCM, WaveHeader, read_wave_header

_FULL_SCALE: Final = 32768.0
_SAMPLE_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class WavInfo:
    """The header of a WAV file, checked against the file size.

    Attributes:
        rate: samples per second.
        channels: number of channels.
        samples: available samples per channel.
        offset: position of the first sample.
    """

    rate: int
    channels: int
    samples: int
    offset: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.samples / self.rate


def wav_info(path: Path) -> WavInfo:
    """Read the header.

    Raises:
        UnreadableMediaError: the file is not 16-bit PCM WAV, is truncated, or consists of several joined files.
    """
    check_file(path)
    try:
        header = read_wave_header(path)
    except OSError as error:
        raise UnreadableMediaError(f"{path}: cannot be read ({error.strerror})") from None
    if header is None:
        raise UnreadableMediaError(f"{path}: is not a readable WAV file; convert it to 16-bit PCM WAV")
    _check(path, header)
    return WavInfo(header.rate, header.channels, header.samples_there, header.data_start)


def read_pcm(path: Path, start: int = 0, samples: int | None = None) -> NDArray[np.float32]:
    """Read part of a file.

    Args:
        path: a 16-bit PCM WAV file.
        start: first sample.
        samples: number of samples; None reads to the end.

    Returns:
        (channels, samples) float32 in [-1, 1).

    Raises:
        UnreadableMediaError: as `wav_info`, or the file has fewer samples.
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
            f"{path}: is truncated: it has {header.samples_there} of {declared} samples; copy it again"
        )
    if header.trailing is not None and header.trailing.kind == "file":
        raise UnreadableMediaError(
            f"{path}: two files were joined: {header.trailing_seconds:.1f} s follow the end of the first; split them"
        )


_LARGEST_SAMPLE: Final = 32767


def write_wav(path: str | Path, stereo: NDArray[np.floating], rate: int) -> None:
    """Write 16-bit PCM atomically and without dither; samples outside [-1, 1] are clipped.

    Args:
        path: file to write.
        stereo: (channels, samples) float.
        rate: samples per second.

    Raises:
        EncodingError: the array has another shape, contains NaN or infinity, or the file cannot be written.
    """
    path, stereo = Path(path), np.asarray(stereo)
    if stereo.ndim != 2 or not 1 <= stereo.shape[0] <= 8:
        raise EncodingError(f"{path}: sound of shape {stereo.shape} cannot be written; expected (channels, samples)")
    lowest, highest = float(stereo.min(initial=0.0)), float(stereo.max(initial=0.0))
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise EncodingError(f"{path}: the sound contains NaN or infinite samples")
    within = stereo if lowest >= -1.0 and highest <= 1.0 else np.clip(stereo, -1.0, 1.0)
    pcm = np.empty(stereo.shape[::-1], dtype="<i2")
    pcm[...] = np.rint(within * _LARGEST_SAMPLE).T
    with atomic_file(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(stereo.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
