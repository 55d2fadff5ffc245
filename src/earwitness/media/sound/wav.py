"""Writes WAV files: 16-bit PCM, deterministic."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncodingError
from earwitness.core.files.atomic import atomic_file

_FULL_SCALE: Final = 32767


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
    pcm[...] = np.rint(within * _FULL_SCALE).T
    with atomic_file(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(stereo.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
