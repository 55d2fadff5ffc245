"""Reads a file of a sound bank: mono, 24 kHz, without clipping and without a DC offset; and finds when it is active."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from earwitness.core.errors import BankError, MediaError
from earwitness.core.isolation import limits_for
from earwitness.media.containers.container import PacketSource, audio_streams, container_duration, open_media
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import frame_samples, to_stereo
from earwitness.scenes.scene import SAMPLE_RATE

FloatArray = NDArray[np.float32]

LONGEST_SECONDS: Final = 3600
_SILENT_PEAK: Final = 1e-4
_QUIET_PEAK: Final = 0.03
"""Recordings with a lower peak are amplified to `_RAISED_PEAK`, since 16 bits would not suffice."""
_RAISED_PEAK: Final = 0.5
_OFFSET_SHARE: Final = 0.008
"""A DC offset above this share of the loud level (-42 dB) is removed; at -38 dB it would count as activity."""
_RUMBLE_SHARE: Final = 0.75
"""A varying offset is removed if this share of the energy is below `_RUMBLE_HZ`."""
_RUMBLE_HZ: Final = 12.0
_LOWEST_HZ: Final = 20.0
_EDGE_SECONDS: Final = 0.002
_FADE_SECONDS: Final = 0.01
_FEWEST_BYTES: Final = 400
"""Files with fewer bytes per second have gaps, or no sound."""
_FIRST_FRAMES: Final = 64
_AUDIBLE_PEAK: Final = 1e-3
_AUDIBLE_HZ: Final = 10_000.0
_FLOAT_CODECS: Final = ("pcm_f", "wavpack")
"""Codecs that can contain NaN or infinity."""

BLOCK_SECONDS: Final = 0.01
BLOCK_SAMPLES: Final = int(SAMPLE_RATE * BLOCK_SECONDS)
THRESHOLD_DB: Final = -38.0
"""A block is active if its level exceeds this, relative to the loud parts of the recording (95th percentile)."""


def read_recording(path: Path) -> NDArray[np.int16]:
    """All samples of a recording: (n,) with full scale 32767.

    Recordings that exceed full scale, which is possible in float files, are scaled down; an offset is removed.

    Raises:
        BankError: the file is missing, unreadable, too long or silent, or contains samples that are not finite or far
            too large.
    """
    blocks: list[FloatArray] = []
    try:
        with np.errstate(all="ignore"), limits_for(path):
            reader = AudioReader(path, rate=SAMPLE_RATE, mono="allow")
            for block in reader:
                blocks.append(block.mean(axis=0))
                if sum(part.size for part in blocks) > LONGEST_SECONDS * SAMPLE_RATE:
                    raise BankError(
                        f"sound bank file '{path}' is longer than {LONGEST_SECONDS // 60} minutes: split it"
                    )
    except MediaError as error:
        raise BankError(f"sound bank file '{path}' cannot be read: {error}") from error
    mono = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if reader.damaged_samples or not np.isfinite(mono).all():
        raise BankError(f"sound bank file '{path}' has samples that are not finite or far too large: export it again")
    mono = _within_full_scale(mono)
    if mono.size and _is_offset(mono):
        mono = _within_full_scale(_without_offset(mono))
    peak = float(np.abs(mono).max(initial=0.0))
    if peak < _SILENT_PEAK:
        raise BankError(f"sound bank file '{path}' is silent: remove it from the bank")
    if peak < _QUIET_PEAK:
        mono = mono * np.float32(_RAISED_PEAK / peak)
    samples: NDArray[np.int16] = np.rint(np.clip(mono, -1, 1) * 32767).astype(np.int16)
    return samples


def _within_full_scale(mono: FloatArray) -> FloatArray:
    peak = float(np.abs(mono).max(initial=0.0))
    return mono if peak <= 1 else (mono / np.float64(peak)).astype(np.float32)


def sounds_at_once(path: Path) -> bool:
    """Whether the beginning of a file is clearly audible, so that the file is usable; False is inconclusive.

    Takes a tenth of the time of `read_recording`, which must decide for files that may contain NaN or have an
    implausible length.
    """
    try:
        with open_media(path) as container:
            streams = audio_streams(container)
            if not streams or streams[0].codec_context.name.startswith(_FLOAT_CODECS):
                return False
            seconds = container_duration(container)
            if seconds is None or not 0 < seconds <= min(LONGEST_SECONDS, path.stat().st_size / _FEWEST_BYTES):
                return False
            for _, frames in islice(PacketSource(container, streams[0]).frames(), _FIRST_FRAMES):
                for frame in frames or ():
                    stereo, _ = to_stereo(frame_samples(frame), tuple(one.name for one in frame.layout.channels))
                    if _audible(stereo.mean(axis=0), frame.sample_rate):
                        return True
    except (MediaError, OSError, ValueError):
        return False
    return False


def _audible(mono: FloatArray, rate: int) -> bool:
    """Whether there is sound above DC and below the frequencies that resampling removes."""
    if mono.size < BLOCK_SAMPLES // 2 or rate <= 0:
        return False
    spectrum = np.fft.rfft(mono - mono.mean())
    spectrum[0] = 0
    spectrum[np.fft.rfftfreq(mono.size, 1 / rate) > _AUDIBLE_HZ] = 0
    return bool(np.abs(np.fft.irfft(spectrum, mono.size)).max() > _AUDIBLE_PEAK)


def _is_offset(mono: FloatArray) -> bool:
    """Whether a constant or slowly varying offset is strong enough to count as activity."""
    level = loud_level(mono)
    if level <= 0:
        return False
    if abs(float(mono.mean(dtype=np.float64))) > _OFFSET_SHARE * level:
        return True
    power = np.abs(fft.rfft(mono)) ** 2
    below = int(_RUMBLE_HZ / SAMPLE_RATE * mono.size) + 1
    return float(power[:below].sum()) > _RUMBLE_SHARE * float(power.sum())


def _without_offset(mono: FloatArray) -> FloatArray:
    """High-pass filtered at 20 Hz without phase shift and faded, since the start of an offset is a click."""
    edge, fade = (min(round(seconds * SAMPLE_RATE), mono.size // 4) for seconds in (_EDGE_SECONDS, _FADE_SECONDS))
    held = mono.astype(np.float64)
    # Resampling rings at the start and the end of the offset.
    held[:edge], held[held.size - edge :] = held[edge], held[held.size - edge - 1]
    slopes = signal.butter(2, _LOWEST_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    length = min(held.size - 1, round(SAMPLE_RATE / _LOWEST_HZ) * 3)
    cleaned = signal.sosfiltfilt(slopes, held, padtype="constant", padlen=length)
    ramp = np.sin(np.arange(fade) / max(1, fade) * np.pi / 2) ** 2
    cleaned[:fade] *= ramp
    cleaned[cleaned.size - fade :] *= ramp[::-1]
    return np.asarray(cleaned, dtype=np.float32)


def sounding_blocks(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which 10-ms blocks of a recording are active: (ceil(n / BLOCK_SAMPLES),) bool."""
    energy = _block_energy(samples)
    return np.asarray(energy > np.percentile(energy, 95) * 10 ** (THRESHOLD_DB / 10))


def loud_level(samples: NDArray[np.float32]) -> float:
    """RMS of the loud parts of a recording, the reference of `THRESHOLD_DB`."""
    return float(np.sqrt(np.percentile(_block_energy(samples), 95)))


def _block_energy(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    padded = np.pad(samples, (0, -samples.size % BLOCK_SAMPLES)).reshape(-1, BLOCK_SAMPLES)
    return np.convolve(np.mean(padded.astype(np.float64) ** 2, axis=1), np.full(3, 1 / 3), mode="same")
