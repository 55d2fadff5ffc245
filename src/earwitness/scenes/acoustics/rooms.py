"""Shoebox rooms and their impulse responses (RIRs) in horizontal first-order ambisonics, for directional sources.

Early reflections come from pyroomacoustics' image-source model (Allen & Berkley 1979) per octave band. After the time
at which the image sources of the chosen order are no longer complete, the tail is Gaussian noise with the energy of a
diffuse field (4 pi c / V per second, times the exponential decay of the band), matched to the energy of the image
sources at the transition. Channels are W, Y and X (Y to the left, X ahead), so that any view and any coincident
microphone pair can be derived with a matrix.

Directivity patterns are first-order, (1 - a) + a cos(angle). The share a increases with frequency, as for talkers and
small loudspeakers: nearly omnidirectional at 125 Hz, 16 dB weaker to the rear than to the front at 8 kHz (talkers: Chu
and Warnock 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from earwitness.scenes.scene import SAMPLE_RATE

SPEED_OF_SOUND: Final = 343.0
BAND_CENTRES_HZ: Final = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
REFERENCE_BANDS: Final = (2, 3)
"""The RT60 of a room is the mean reverberation time of these bands (500 Hz and 1 kHz)."""
IMAGE_ORDER: Final = 10
DECAY_KEPT_DB: Final = 55.0
"""RIRs are truncated where the slowest band has decayed by this much."""
_FADE_SECONDS: Final = 0.01
_DECAY_RATE: Final = float(np.log(1e6))
"""Energy decays by exp(-_DECAY_RATE t / RT60): 60 dB in RT60."""

FULL_SHARE: Final = (0.05, 0.12, 0.20, 0.30, 0.35, 0.40, 0.42)
"""Share a of a talker in each octave band from 125 Hz to 8 kHz."""


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox room with the absorption of a furnished room.

    Attributes:
        size: (length, width, height) in metres.
        rt60: reverberation time in seconds at 500 Hz to 1 kHz.
        band_factors: RT60 of each octave band relative to `rt60`; usually longer at low frequencies.
        microphone: (x, y, z) in metres.
        kind: name of the kind of room (`simulated_rooms.ROOM_KINDS`); "" if it has none.
    """

    size: tuple[float, float, float]
    rt60: float
    band_factors: tuple[float, ...]
    microphone: tuple[float, float, float]
    kind: str = ""

    @property
    def volume(self) -> float:
        """Volume in cubic metres."""
        return float(np.prod(self.size))

    @property
    def surface(self) -> float:
        """Area of walls, floor and ceiling in square metres."""
        length, width, height = self.size
        return 2 * (length * width + length * height + width * height)

    @property
    def band_rt60(self) -> NDArray[np.float64]:
        """(7,) seconds."""
        return self.rt60 * np.asarray(self.band_factors)

    def absorption(self) -> NDArray[np.float64]:
        """(7,) energy absorption coefficients that give `band_rt60` by Eyring's formula."""
        exponent = 4 * _DECAY_RATE * self.volume / (SPEED_OF_SOUND * self.surface * self.band_rt60)
        return np.asarray(np.clip(1 - np.exp(-exponent), 0.01, 0.99))

    @property
    def shortest_rt60(self) -> float:
        """RT60 at which the walls absorb 80 % of the sound; the lower limit for drawn rooms."""
        return 4 * _DECAY_RATE * self.volume / (SPEED_OF_SOUND * self.surface * -float(np.log(1 - 0.8)))


def draw_room(rng: np.random.Generator) -> Room:
    """A random room: 8 to 150 square metres, RT60 of 0.15 to 1.0 s, microphone at sitting to standing height."""
    length, width = np.exp(rng.uniform(np.log(2.8), np.log(12.0), 2))
    height = rng.uniform(2.3, 4.2)
    microphone = (
        float(length * rng.uniform(0.3, 0.7)),
        float(width * rng.uniform(0.3, 0.7)),
        float(rng.uniform(1.0, 1.8)),
    )
    tilt = rng.uniform(-0.05, 0.18)
    factors = np.exp(-tilt * (np.arange(len(BAND_CENTRES_HZ)) - 2.5) + rng.normal(0, 0.07, len(BAND_CENTRES_HZ)))
    factors /= factors[list(REFERENCE_BANDS)].mean()
    room = Room((float(length), float(width), float(height)), 1.0, tuple(factors.tolist()), microphone)
    rt60 = max(float(np.exp(rng.uniform(np.log(0.15), np.log(1.0)))), room.shortest_rt60)
    return Room(room.size, rt60, room.band_factors, room.microphone)


def simulate(
    room: Room,
    positions: NDArray[np.float64],
    rng: np.random.Generator,
    order: int = IMAGE_ORDER,
    facing: Sequence[Directivity] | None = None,
) -> list[NDArray[np.float32]]:
    """RIRs from `positions` to the room's microphone.

    Args:
        room: the room.
        positions: (n, 3) metres in room coordinates.
        rng: random generator of the diffuse tails.
        order: highest reflection order of the image sources.
        facing: directivity of each source; None: all are omnidirectional.

    Returns:
        n arrays of (3, samples) float32, channels W, Y, X at 24 kHz; the direct sound is 1 / distance times the gain of
        the source in that direction.
    """
    images, damping = _image_sources(room, positions, order)
    if facing is None:
        return [_assemble(room, image, amplitude, rng, order) for image, amplitude in zip(images, damping, strict=True)]
    microphone, size, rirs = np.asarray(room.microphone), np.asarray(room.size), []
    for position, image, amplitude, source in zip(positions, images, damping, facing, strict=True):
        sent = source.gain(leaving(image, position, microphone, size))
        rirs.append(_assemble(room, image, amplitude * sent, rng, order, source.power))
    return rirs


def measure_rt60(rir: NDArray[np.floating], centre_hz: float = 1000.0) -> float:
    """RT60 in seconds of an octave band: Schroeder's backward integration, line fit from -5 to -25 dB (ISO 3382-2).

    Args:
        rir: (samples,) one channel at 24 kHz.
        centre_hz: centre of the octave band.
    """
    from scipy.signal import butter, sosfiltfilt

    band = butter(4, [centre_hz / np.sqrt(2), centre_hz * np.sqrt(2)], "bandpass", fs=SAMPLE_RATE, output="sos")
    energy = np.cumsum(sosfiltfilt(band, rir)[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-12)
    first, last = int(np.argmax(level < -5)), int(np.argmax(level < -25))
    time = np.arange(first, last) / SAMPLE_RATE
    slope = np.polyfit(time, level[first:last], 1)[0]
    return float(-60 / slope)


def calibrated(room: Room, rng: np.random.Generator, order: int = IMAGE_ORDER) -> Room:
    """The same room, with the absorption corrected so that the measured RT60 equals the requested one.

    Image sources in a shoebox decay more slowly than Eyring's formula predicts (axial modes are damped least).
    """
    size = np.asarray(room.size)
    probes = np.asarray([(0.2, 0.25, 0.4), (0.8, 0.7, 0.6), (0.25, 0.8, 0.5), (0.7, 0.2, 0.3)]) * size
    factor = 1.0
    for _ in range(3):
        trial = replace(room, rt60=room.rt60 * factor)
        rirs = simulate(trial, probes, np.random.default_rng(0), order)
        measured = np.mean([[measure_rt60(rir[0], BAND_CENTRES_HZ[band]) for band in REFERENCE_BANDS] for rir in rirs])
        factor *= float(np.clip(room.rt60 / measured, 0.6, 1.6))
    return replace(room, rt60=room.rt60 * factor)


def _image_sources(
    room: Room, positions: NDArray[np.float64], order: int
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Image positions relative to the microphone (3, images) and amplitudes (7, images), for each position."""
    import pyroomacoustics as pra

    material = pra.Material({"coeffs": room.absorption().tolist(), "center_freqs": list(BAND_CENTRES_HZ)})
    shoebox = pra.ShoeBox(room.size, fs=2 * SAMPLE_RATE, materials=material, max_order=order, air_absorption=False)
    for position in positions:
        shoebox.add_source(position)
    shoebox.add_microphone(room.microphone)
    shoebox.image_source_model()
    microphone = np.asarray(room.microphone)[:, None]
    bands = len(BAND_CENTRES_HZ)
    images = [np.asarray(source.images, dtype=np.float64) - microphone for source in shoebox.sources]
    damping = [np.asarray(source.damping, dtype=np.float64)[:bands] for source in shoebox.sources]
    return images, damping


def _assemble(
    room: Room,
    images: NDArray[np.float64],
    damping: NDArray[np.float64],
    rng: np.random.Generator,
    order: int,
    power: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """One RIR (3, samples) from image sources and a diffuse tail; `power` (7,) is the mean power of the source."""
    samples = int(room.band_rt60.max() * DECAY_KEPT_DB / 60 * SAMPLE_RATE) + SAMPLE_RATE // 25
    switch = order * min(room.size) / SPEED_OF_SOUND
    trains = _early(images, damping, samples, complete_until=switch)
    tail = _late(room, samples, switch, rng)
    if power is not None:
        tail *= np.sqrt(power, dtype=np.float32)[:, None, None]
    trains += tail * _tail_gain(trains, room, switch, power)[:, None, None]
    length = fft.next_fast_len(samples + 1024, real=True)
    spectrum = fft.rfft(trains, length, axis=-1)
    shaped = np.einsum("bf,bcf->cf", _band_windows(length), spectrum)
    return fft.irfft(shaped, length, axis=-1)[:, :samples].astype(np.float32)


def _early(
    images: NDArray[np.float64], damping: NDArray[np.float64], samples: int, complete_until: float
) -> NDArray[np.float32]:
    """Impulse trains (bands, 3, samples) of the image sources.

    Delays are rounded to samples: the microphones coincide, so that a common delay does not affect the direction.
    """
    distance = np.linalg.norm(images, axis=0)
    delay = distance / SPEED_OF_SOUND
    index = np.rint(delay * SAMPLE_RATE).astype(np.int64)
    keep = index < samples
    fade = np.cos(np.clip((delay - complete_until) / _FADE_SECONDS, 0, 1) * np.pi / 2)
    gain = fade / distance
    directivity = np.stack([np.ones_like(distance), images[1] / distance, images[0] / distance])
    trains = np.empty((damping.shape[0], 3, samples), dtype=np.float32)
    for band in range(damping.shape[0]):
        for channel in range(3):
            weights = damping[band] * gain * directivity[channel]
            trains[band, channel] = np.bincount(index[keep], weights[keep], minlength=samples)
    return trains


def _late(room: Room, samples: int, start: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Diffuse tail (bands, 3, samples): W, Y and X are uncorrelated, Y and X each have a third of the power of W."""
    time = np.arange(samples) / SAMPLE_RATE
    onset = np.sin(np.clip((time - start) / _FADE_SECONDS, 0, 1) * np.pi / 2)
    share = np.sqrt([1.0, 1 / 3, 1 / 3]).astype(np.float32)[:, None]
    noise = rng.standard_normal((3, samples)).astype(np.float32) * share
    decay = np.exp(-0.5 * _DECAY_RATE * time / room.band_rt60[:, None]) * onset * np.sqrt(_diffuse_power(room))
    return np.asarray(noise[None] * decay[:, None].astype(np.float32))


def _tail_gain(
    early: NDArray[np.float32], room: Room, switch: float, power: NDArray[np.float64] | None
) -> NDArray[np.float32]:
    """Gain (bands,) at which the tail of each band continues the image sources without a step in level.

    Image sources in a shoebox decay more slowly than a diffuse field, so that the theoretical tail is some dB too weak.
    The gain is estimated from the energy of the last third of the early part.
    """
    window = slice(int(switch * 2 / 3 * SAMPLE_RATE), int(switch * SAMPLE_RATE))
    if window.stop >= early.shape[2]:
        return np.ones(early.shape[0], dtype=np.float32)
    time = np.arange(window.start, window.stop) / SAMPLE_RATE
    theory = _diffuse_power(room) * np.exp(-_DECAY_RATE * time / room.band_rt60[:, None]).mean(axis=1)
    if power is not None:
        theory = theory * power
    found = np.mean(early[:, 0, window].astype(np.float64) ** 2, axis=1)
    return np.asarray(np.sqrt(np.clip(found / theory, 0.25, 4.0)), dtype=np.float32)


def _diffuse_power(room: Room) -> float:
    """Power per sample of the diffuse field before decay, for a source of level 1 at 1 m: 4 pi c / (V rate)."""
    return float(4 * np.pi * SPEED_OF_SOUND / (room.volume * SAMPLE_RATE))


def _band_windows(length: int) -> NDArray[np.float32]:
    """Zero-phase octave-band windows (7, length // 2 + 1) that sum to one."""
    frequency = np.maximum(fft.rfftfreq(length, 1 / SAMPLE_RATE), 1.0)
    position = np.interp(np.log2(frequency), np.log2(BAND_CENTRES_HZ), np.arange(len(BAND_CENTRES_HZ)))
    band = np.arange(len(BAND_CENTRES_HZ))[:, None]
    return (np.cos(np.clip(np.abs(position - band), 0, 1) * np.pi / 2) ** 2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Directivity:
    """Orientation and strength of the directivity of a source.

    Attributes:
        facing: unit vector in room coordinates.
        strength: from 0 (omnidirectional) to 1 (a talker).
    """

    facing: tuple[float, float, float]
    strength: float

    @property
    def share(self) -> NDArray[np.float64]:
        """(7,) share a of each octave band."""
        return self.strength * np.asarray(FULL_SHARE)

    def gain(self, towards: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gains (7, n) relative to the front, towards unit vectors (3, n) in room coordinates."""
        cosine = np.asarray(self.facing) @ towards
        return 1 - self.share[:, None] * (1 - cosine)

    @property
    def power(self) -> NDArray[np.float64]:
        """(7,) mean power over all directions relative to the front: the power that excites reverberation."""
        return np.asarray((1 - self.share) ** 2 + self.share**2 / 3)


def draw_directivity(towards: NDArray[np.float64], rng: np.random.Generator) -> Directivity:
    """A random directivity: any azimuth, with a slight preference for the microphone; some are omnidirectional.

    Args:
        towards: (3,) vector from the source to the microphone.
        rng: random generator.
    """
    azimuth = np.arctan2(towards[1], towards[0]) + rng.normal(0, 1.6)
    up = np.clip(rng.normal(0, 0.2), -1, 1)
    level = np.sqrt(1 - up**2)
    strength = 0.0 if rng.random() < 0.25 else float(rng.uniform(0.3, 1.0))
    return Directivity((float(level * np.cos(azimuth)), float(level * np.sin(azimuth)), float(up)), strength)


def leaving(
    images: NDArray[np.float64], source: NDArray[np.float64], microphone: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unit vectors (3, n) of the directions in which the sound of each image source of a shoebox left the source.

    Along each axis an image lies at 2 k L + x or at 2 k L - x; in the second case the image and its directivity are
    mirrored.

    Args:
        images: (3, n) metres relative to the microphone.
        source, microphone: (3,) metres in room coordinates.
        size: (3,) size of the room in metres.
    """
    place = images + microphone[:, None]
    periods = (place - source[:, None]) / (2 * size[:, None])
    mirrored = np.abs(periods - np.rint(periods)) > 1e-4
    way = np.where(mirrored, images, -images)
    return np.asarray(way / np.linalg.norm(images, axis=0))
