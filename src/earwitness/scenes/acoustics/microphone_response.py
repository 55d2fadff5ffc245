"""Response of a stereo microphone to horizontal first-order RIRs and to a diffuse bed.

For coincident pairs it is a matrix and exact. For other pairs, the direct sound is exact: time, level and spectrum at
each microphone follow from the position of the source. Reflections are decoded from W, Y and X by filters that preserve
the power and the coherence of a diffuse field at all frequencies, and the level and time differences of single
reflections at frequencies that first order resolves, below c / (2 aperture).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from earwitness.scenes.acoustics.convolver import mix_at
from earwitness.scenes.acoustics.microphones import Coincident, Microphone, NonCoincident
from earwitness.scenes.acoustics.rir_pool import RirPool
from earwitness.scenes.acoustics.rooms import SPEED_OF_SOUND
from earwitness.scenes.scene import SAMPLE_RATE

FloatArray = NDArray[np.float32]

_TAPS: Final = 256
"""Length of the filters; half of the taps precede the arrival of the sound at the centre of the pair."""
_LEAD: Final = _TAPS // 2
_FREQUENCIES: Final = fft.rfftfreq(_TAPS, 1 / SAMPLE_RATE)
_FAR_METRES: Final = 1000.0
EARLY_SECONDS: Final = 0.0025
"""Sound up to this long after the direct sound arrives counts as direct, as most of it comes from the same side."""
_BEFORE: Final = 24
"""Samples before its arrival at the centre in which the direct sound may reach one microphone of a pair."""
_TAPER: Final = 12


def capture_rir(microphone: Microphone, pool: RirPool, index: int, view_deg: float) -> FloatArray:
    """RIR number `index` as mid and side of a microphone rotated by `view_deg`: (2, samples)."""
    if isinstance(microphone, Coincident):
        if microphone.ahead == 0.0 and microphone.omni == microphone.left == 1.0:
            return pool.stereo_rir(index, view_deg)
        w, y, x = pool.turned_rir(index, view_deg)
        mid = np.float32(microphone.omni) * w + np.float32(microphone.ahead) * x
        return np.stack([mid, np.float32(microphone.left) * y])
    rir = pool.turned_rir(index, view_deg)
    direct, start, late = pool.direct(index)
    place = _rotated(pool.position[index].astype(np.float64), view_deg)
    ahead, left, _ = place / np.linalg.norm(place)
    rir[:, start : start + direct.size] -= np.outer([1.0, left, ahead], direct).astype(np.float32)
    mid_side = _decoder(microphone).reflections(rir)
    for channel, taps in zip(mid_side, _direct_kernel(microphone, place, late), strict=True):
        mix_at(channel[None], np.convolve(direct, taps).astype(np.float32)[None], start - _LEAD)
    return mid_side


def direct_part(rir: FloatArray, arrival: int) -> FloatArray:
    """The direct sound in a captured RIR: (2, up to `arrival` + 2.5 ms + a taper), zero before it.

    Args:
        rir: (2, samples) from `capture_rir`.
        arrival: sample at which the direct sound arrives at the centre of the microphone.
    """
    first, last = max(arrival - _BEFORE, 0), arrival + round(EARLY_SECONDS * SAMPLE_RATE)
    direct = rir[:, : last + _TAPER].copy()
    direct[:, :first] = 0
    falling = np.cos(np.arange(1, _TAPER + 1) / (_TAPER + 1) * np.pi / 2).astype(np.float32) ** 2
    direct[:, last:] *= falling[: max(direct.shape[1] - last, 0)]
    return direct


def capture_bed(microphone: Microphone, bed: FloatArray) -> FloatArray:
    """A diffuse bed as mid and side of a microphone.

    Args:
        microphone: the microphone.
        bed: (2, samples) W and Y, uncorrelated, Y with a third of the power of W.
    """
    if isinstance(microphone, Coincident):
        mid = float(np.hypot(microphone.omni, microphone.ahead / np.sqrt(3)))
        return bed * np.array([[mid], [microphone.left]], dtype=np.float32)
    return _decoder(microphone).bed(bed)


@dataclass(frozen=True, slots=True, eq=False)
class _Decoder:
    """Filters (bins,) from W and X to mid and from Y to side, and the power of mid and side in a diffuse field."""

    mid_from_w: NDArray[np.complex128]
    mid_from_x: NDArray[np.complex128]
    side_from_y: NDArray[np.complex128]
    mid_power: NDArray[np.float64]
    side_power: NDArray[np.float64]

    def reflections(self, rir: FloatArray) -> FloatArray:
        """W, Y and X (3, samples) to mid and side (2, samples)."""
        size = rir.shape[1]
        length = int(fft.next_fast_len(size + _TAPS, real=True))
        w, y, x = fft.rfft(rir, length, axis=1)
        spectra = np.stack([
            w * _interpolated(self.mid_from_w, length) + x * _interpolated(self.mid_from_x, length),
            y * _interpolated(self.side_from_y, length),
        ])  # fmt: skip
        return np.ascontiguousarray(fft.irfft(spectra, length, axis=1)[:, _LEAD : _LEAD + size], dtype=np.float32)

    def bed(self, bed: FloatArray) -> FloatArray:
        """W and Y (2, samples) of a diffuse field to mid and side."""
        size = bed.shape[1]
        length = int(fft.next_fast_len(size + _TAPS, real=True))
        gains = np.sqrt(np.stack([self.mid_power, 3 * self.side_power])).astype(np.complex128)
        spectra = fft.rfft(bed, length, axis=1)
        spectra *= np.stack([_interpolated(gain, length) for gain in gains])
        return np.ascontiguousarray(fft.irfft(spectra, length, axis=1)[:, _LEAD : _LEAD + size], dtype=np.float32)


@lru_cache(maxsize=128)
def _decoder(microphone: NonCoincident) -> _Decoder:
    """Least-squares filters over all directions, with their power corrected to that of the microphone.

    Above the highest frequency that first order resolves, the phase is held constant: only the power matters there.
    """
    towards = _directions()
    pairs = microphone.pair(np.round(towards * _FAR_METRES, 6), _FREQUENCIES)
    mid, side = (pairs[:, 0] + pairs[:, 1]) / 2, (pairs[:, 0] - pairs[:, 1]) / 2
    ahead, left = towards[:, :1], towards[:, 1:2]
    mid_power, side_power = np.mean(np.abs(mid) ** 2, axis=0), np.mean(np.abs(side) ** 2, axis=0)
    from_w, from_x, from_y = mid.mean(axis=0), 3 * (mid * ahead).mean(axis=0), 3 * (side * left).mean(axis=0)
    resolved = SPEED_OF_SOUND / (2 * microphone.aperture)
    held = np.minimum(np.arange(_FREQUENCIES.size), np.searchsorted(_FREQUENCIES, resolved, "right") - 1)
    from_w, from_x, from_y = from_w[held], from_x[held], from_y[held]
    mid_gain = np.sqrt(mid_power / np.maximum(np.abs(from_w) ** 2 + np.abs(from_x) ** 2 / 3, 1e-12))
    side_gain = np.sqrt(side_power / np.maximum(np.abs(from_y) ** 2 / 3, 1e-12))
    return _Decoder(from_w * mid_gain, from_x * mid_gain, from_y * side_gain, mid_power, side_power)


@lru_cache(maxsize=1)
def _directions(across: int = 32, around: int = 32) -> NDArray[np.float64]:
    """Directions (n, 3), uniformly distributed over the sphere and mirror-symmetric."""
    up = (np.arange(across) + 0.5) / across * 2 - 1
    azimuth = (np.arange(around) + 0.5) / around * 2 * np.pi
    level = np.sqrt(1 - up**2)[:, None]
    parts = (level * np.cos(azimuth), level * np.sin(azimuth), np.broadcast_to(up[:, None], (across, around)))
    return np.stack([part.ravel() for part in parts], axis=1)


def _taps(spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The filter (_TAPS,) of a spectrum (bins,), with time 0 at tap _LEAD."""
    return np.roll(fft.irfft(spectrum, _TAPS), _LEAD)


def _interpolated(spectrum: NDArray[np.complex128], length: int) -> NDArray[np.complex64]:
    """The spectrum of the filter for transforms of `length`, delayed by _LEAD samples."""
    return np.asarray(fft.rfft(_taps(spectrum), length), dtype=np.complex64)


def _direct_kernel(microphone: NonCoincident, place: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """Filters (2, _TAPS) from the direct sound, delayed by `shift` samples, to mid and side; time 0 is at _LEAD."""
    left, right = microphone.pair(place[None], _FREQUENCIES)[0] * np.exp(
        -2j * np.pi * _FREQUENCIES / SAMPLE_RATE * shift
    )
    # The spectrum at half the sample rate must be real.
    both = np.stack([(left + right) / 2, (left - right) / 2])
    both[:, -1] = both[:, -1].real
    return np.stack([_taps(spectrum) for spectrum in both])


def _rotated(place: NDArray[np.float64], view_deg: float) -> NDArray[np.float64]:
    turn = np.radians(view_deg)
    ahead = place[0] * np.cos(turn) - place[1] * np.sin(turn)
    left = place[0] * np.sin(turn) + place[1] * np.cos(turn)
    return np.array([ahead, left, place[2]])
