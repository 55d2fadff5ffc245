"""Figures that tell whether two channels can carry directions, gathered block by block in constant memory.

The models know coincident microphones: direction is in the levels, and there is no time difference between channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

BLOCK_SECONDS: Final = 0.17
"""Long against the largest delay searched for, short against the pauses of speech."""
DELAY_BAND_HZ: Final = (150.0, 8000.0)
SPACED_SECONDS: Final = 0.0015
"""Sound takes this long between microphones half a metre apart; later peaks are reflections."""
CONSTANT_SECONDS: Final = 0.05
"""Channels that a recorder or an editor shifted against each other are searched up to here."""
QUIET_SHARE: Final = 0.1
"""The quietest tenth of the blocks is taken for the room's ambience ..."""
QUIET_BELOW_DB: Final = 15.0
"""... if it lies so far below the mean energy: otherwise a source sounds all the time, and decides the balance."""
_SILENCE_DB: Final = -90.0
_LOUD_DB: Final = -60.0
_COHERENT: Final = 0.2
"""Height of a GCC-PHAT peak that unrelated channels do not reach by chance."""
_FULL: Final = 0.99
_TINY: Final = 1e-20


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """What was measured; NaN where there was nothing to measure it on.

    Attributes:
        seconds: length of the sound.
        peak: largest sample.
        level_db: RMS of both channels, dB re full scale.
        difference: peak of |L - R| relative to the peak.
        side_mid_db: energy of (L - R) / 2 relative to that of (L + R) / 2, dB.
        correlation: of left and right, -1..1.
        balance_db: left over right, dB, over everything.
        ambience_db: left over right, dB, over the quietest parts, where no single source decides.
        delay_ms: constant delay of the right channel against the left; 0 if there is none, or none can be told.
        spaced_share: share of the loud blocks whose sound reaches one channel before the other.
        spaced_ms: typical size of that time difference.
        bandwidth_hz: highest frequency with sound, down to 80 dB below the strongest.
        clipped_share: share of samples in flat tops.
    """

    seconds: float
    peak: float
    level_db: float
    difference: float
    side_mid_db: float
    correlation: float
    balance_db: float
    ambience_db: float
    delay_ms: float
    spaced_share: float
    spaced_ms: float
    bandwidth_hz: float
    clipped_share: float


class ChannelStats:
    """Takes in stereo blocks and sums up what `figures` needs."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._size = 1 << round(math.log2(BLOCK_SECONDS * rate))
        self._window = np.hanning(self._size).astype(np.float32)
        bins = np.fft.rfftfreq(self._size, 1 / rate)
        self._band = (bins >= DELAY_BAND_HZ[0]) & (bins <= min(DELAY_BAND_HZ[1], 0.45 * rate))
        self._held = np.zeros((2, 0), np.float32)
        self.samples = self._clipped = self._loud = 0
        self._peak = self._difference = 0.0
        self._products = np.zeros(3)  # sums of L L, R R, L R
        self._by_level = np.zeros((121, 3))  # a row a dB from -120: number of blocks, energy, dB left over right
        self._spectrum = np.zeros(bins.size)
        self._phases = np.zeros(bins.size, np.complex128)
        self._delays = np.zeros(round(SPACED_SECONDS * 1e5) + 2)  # histogram of |time difference|, 10 us a bin

    def add(self, stereo: Float32Array) -> None:
        """Take in (2, n) samples."""
        if not stereo.shape[1]:
            return
        self.samples += stereo.shape[1]
        self._peak = max(self._peak, float(np.abs(stereo).max()))
        self._difference = max(self._difference, float(np.abs(stereo[0] - stereo[1]).max()))
        left, right = stereo
        self._products += [float(left @ left), float(right @ right), float(left @ right)]
        self._clipped += sum(_flat_tops(channel) for channel in stereo)
        self._held = np.concatenate([self._held, stereo], axis=1)
        whole = self._held.shape[1] // self._size * self._size
        for begin in range(0, whole, self._size):
            self._add_block(self._held[:, begin : begin + self._size])
        self._held = self._held[:, whole:]

    def _add_block(self, block: Float32Array) -> None:
        energy = np.square(block).mean(axis=1)
        level = 10 * np.log10(energy.mean() + _TINY)
        if level < _SILENCE_DB:
            return
        self._by_level[int(np.clip(round(level) + 120, 0, 120))] += [1, energy.mean(), _decibels(*energy)]
        left, right = scipy.fft.rfft(block * self._window, axis=1)
        self._spectrum += np.square(np.abs(left)) + np.square(np.abs(right))
        if level < _LOUD_DB:
            return
        self._loud += 1
        cross = np.where(self._band, np.conj(left) * right, 0).astype(np.complex128)
        cross = cross / (np.abs(cross) + _TINY)
        self._phases += cross
        lag, height, at_zero = self._peak_lag(cross, SPACED_SECONDS)
        if height > _COHERENT and at_zero < height / 2 and abs(lag) > self._least_delay:
            self._delays[min(round(abs(lag) * 1e5), len(self._delays) - 1)] += 1

    @property
    def _least_delay(self) -> float:
        """Seconds below which a time difference is only an error of measurement."""
        return max(5e-5, 0.75 / self.rate)

    def _peak_lag(self, phases: NDArray[np.complex128], largest: float) -> tuple[float, float, float]:
        """GCC-PHAT (Knapp & Carter 1976): highest peak's lag (s) and height (1 = pure delay), height at no lag."""
        curve = scipy.fft.irfft(phases, self._size) * self._size / (2 * max(1, int(np.count_nonzero(self._band))))
        reach = min(int(np.ceil(largest * self.rate)), self._size // 2 - 1)
        near = np.concatenate([curve[-reach:], curve[: reach + 1]])
        top = int(np.argmax(near))
        shift = 0.0
        if 0 < top < near.size - 1:
            before, at, after = near[top - 1 : top + 2]
            shift = 0.5 * (before - after) / min(before - 2 * at + after, -_TINY)
        return (top - reach + shift) / self.rate, float(near[top]), float(near[reach])

    def figures(self) -> ChannelFigures:
        """The figures of everything taken in so far."""
        left, right, both = self._products
        mid, side = (left + right + 2 * both) / 4, (left + right - 2 * both) / 4
        share, size = self._spaced()
        return ChannelFigures(
            seconds=self.samples / self.rate,
            peak=self._peak,
            level_db=_decibels((left + right) / 2 / max(1, self.samples), 1.0),
            difference=self._difference / self._peak if self._peak else float("nan"),
            side_mid_db=_decibels(side, mid) if left + right else float("nan"),
            correlation=float(both / np.sqrt(left * right)) if left * right > 0 else float("nan"),
            balance_db=_decibels(left, right) if left + right else float("nan"),
            ambience_db=self._ambience(),
            delay_ms=self._constant_delay() * 1000,
            spaced_share=share,
            spaced_ms=size * 1000,
            bandwidth_hz=self._bandwidth(),
            clipped_share=self._clipped / max(1, 2 * self.samples),
        )

    def _ambience(self) -> float:
        blocks, energy, ratio = self._by_level.T
        if not blocks.sum():
            return float("nan")
        last = int(np.searchsorted(np.cumsum(blocks), QUIET_SHARE * blocks.sum()))
        mean_level = 10 * np.log10(energy.sum() / blocks.sum() + _TINY)
        if last - 120 > mean_level - QUIET_BELOW_DB:
            return float("nan")
        return float(ratio[: last + 1].sum() / blocks[: last + 1].sum())

    def _constant_delay(self) -> float:
        if not self._loud:
            return 0.0
        lag, height, at_zero = self._peak_lag(self._phases / self._loud, CONSTANT_SECONDS)
        return lag if height > _COHERENT and at_zero < height / 2 and abs(lag) > self._least_delay else 0.0

    def _spaced(self) -> tuple[float, float]:
        if not self._loud:
            return float("nan"), float("nan")
        count = self._delays.sum()
        if not count:
            return 0.0, 0.0
        return float(count / self._loud), float(np.searchsorted(np.cumsum(self._delays), count / 2)) / 1e5

    def _bandwidth(self) -> float:
        if not self._spectrum.any():
            return float("nan")
        heard = np.flatnonzero(self._spectrum >= self._spectrum.max() * 1e-8)
        return float(heard[-1] * self.rate / self._size)


def _flat_tops(channel: Float32Array) -> int:
    """Number of samples in runs of three or more at full scale, or at one loud value, as clipping leaves them."""
    loud = np.abs(channel)
    level = (loud[1:] > 0.5) & (channel[1:] == channel[:-1])
    full = loud >= _FULL
    # A run of three equal samples has two equal neighbours in a row.
    flat = int(np.count_nonzero(level[1:] & level[:-1]))
    return max(flat, int(np.count_nonzero(full[2:] & full[1:-1] & full[:-2])))


def _decibels(power: float, reference: float) -> float:
    return float(np.clip(10 * np.log10((power + _TINY) / (reference + _TINY)), -120.0, 120.0))
