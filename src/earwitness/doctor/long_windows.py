"""Two channels over windows longer than a second: long delays, and filtered copies of one signal."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from earwitness.doctor.channel_blocks import (
    BAND_HZ,
    COHERENT,
    Peak,
    as_slice,
    cross_phases,
    delay_band,
    peak_lag,
    power,
)

Float32Array = NDArray[np.float32]

WINDOW_SECONDS: Final = 1.36
"""Longer than the reverberation of most rooms, so that each channel of one source is one filter."""
FARTHEST_SECONDS: Final = 0.55
"""Longest delay that is searched for; the overlap is then half of the window."""
_LOUD_DB: Final = -60.0
_ONE_SIDED_DB: Final = 6.0
"""If one channel is louder by this much, the other has mainly reflections, which are later without any fault."""
_LEAST_WINDOWS: Final = 4
_INDEPENDENT: Final = 0.6
"""Share of independent windows among windows that overlap by half."""
_TINY: Final = 1e-20


class WindowDelay(NamedTuple):
    """The delay in one window.

    Attributes:
        start: seconds.
        lag: as in `Peak`; 0 without delay, NaN if unknown.
    """

    start: float
    lag: float


class LongWindows:
    """Collects statistics from stereo blocks of any length; memory grows by 16 bytes per window."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.size = 1 << round(math.log2(WINDOW_SECONDS * rate))
        self._hop = self.size // 2
        self._taper = np.hanning(self.size).astype(np.float32)
        bins = np.fft.rfftfreq(self.size, 1 / rate)
        self._band = as_slice(delay_band(bins, rate))
        judged = np.flatnonzero((bins >= BAND_HZ[0]) & (bins <= min(BAND_HZ[1], 0.45 * rate)))
        self._judged = slice(int(judged[0]), int(judged[-1]) + 1) if judged.size else slice(0)
        self._buffer = np.zeros((2, 0), np.float32)
        self._position = 0
        self._windows = 0
        self._phases = np.zeros(bins.size, np.complex128)
        # Sums over all windows, of the judged frequencies.
        self._left, self._right = np.zeros(judged.size), np.zeros(judged.size)
        self._cross = np.zeros(judged.size, np.complex128)
        self.delays: list[WindowDelay] = []

    def add(self, stereo: Float32Array) -> None:
        """Add (2, n) samples."""
        self._buffer = np.concatenate([self._buffer, stereo], axis=1)
        begin = 0
        while begin + self.size <= self._buffer.shape[1]:
            self._add_window(self._buffer[:, begin : begin + self.size])
            begin += self._hop
            self._position += self._hop
        self._buffer = self._buffer[:, begin:]

    def _add_window(self, window: Float32Array) -> None:
        if 10 * np.log10(float(np.square(window).mean()) + _TINY) < _LOUD_DB:
            return
        left, right = scipy.fft.rfft(window * self._taper, axis=1)
        self._windows += 1
        judged_left, judged_right = left[self._judged], right[self._judged]
        lefts, rights = power(judged_left), power(judged_right)
        self._left += lefts
        self._right += rights
        self._cross += np.conj(judged_left) * judged_right
        phases = cross_phases(left, right, self._band)
        self._phases += phases
        peak = self._peak(phases)
        energies = [float(energy.sum(dtype=np.float64)) for energy in (lefts, rights)]
        apart = 10 * np.log10((energies[0] + _TINY) / (energies[1] + _TINY))
        lag = float("nan")
        if peak.at_zero > COHERENT:
            lag = 0.0
        elif peak.delayed and abs(apart) < _ONE_SIDED_DB:
            lag = peak.lag
        self.delays.append(WindowDelay(self._position / self.rate, lag))

    def _peak(self, phases: NDArray[np.complexfloating]) -> Peak:
        return peak_lag(phases, self.size, self.rate, FARTHEST_SECONDS, self._band.stop - self._band.start)

    def delay(self) -> Peak | None:
        """The constant delay of the whole sound; None without any loud window."""
        return self._peak(self._phases / self._windows) if self._windows else None

    def shared(self) -> float:
        """Share (0..1) of the sound that is one signal through one filter per channel; NaN for fewer than four windows.

        This is the coherence of the channels over all windows, weighted by amplitude, minus the coherence by chance.
        """
        if self._windows < _LEAST_WINDOWS:
            return float("nan")
        left, right = self._left, self._right
        coherence = np.abs(self._cross) ** 2 / (left * right + _TINY)
        by_chance = 1 / (_INDEPENDENT * self._windows)
        weight = np.sqrt(left + right)
        known = np.clip((coherence - by_chance) / (1 - by_chance), 0, 1)
        return float((known * weight).sum() / (weight.sum() + _TINY))
