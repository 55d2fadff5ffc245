"""Figures that show whether two channels carry directions, collected block by block in constant memory.

The models are trained on coincident microphones: direction is in the level difference, without time differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from earwitness.doctor.channel_blocks import (
    BAND_HZ,
    BlockFigures,
    Peak,
    as_slice,
    cross_phases,
    delay_band,
    least_delay,
    peak_lag,
    peak_lags,
    power,
)
from earwitness.doctor.long_windows import LongWindows
from earwitness.doctor.onset_directions import OnsetDirections, OnsetFigures
from earwitness.doctor.stereo_stretches import find_stretches
from earwitness.doctor.waveform_faults import FlatTops, OffsetRemover
from earwitness.media.timeline import Stretch

Float32Array = NDArray[np.float32]

BLOCK_SECONDS: Final = 0.17
"""Long compared with the largest delay, short compared with pauses in speech."""
SPACED_SECONDS: Final = 0.0015
"""Travel time between microphones half a metre apart; later peaks are reflections."""
CONSTANT_SECONDS: Final = 0.05
"""Largest constant delay, as caused by a recorder or an editor, that is searched for in blocks."""
QUIET_SHARE: Final = 0.1
"""The quietest tenth of the blocks counts as the ambience of the room ..."""
QUIET_BELOW_DB: Final = 15.0
"""... if it is this far below the mean energy; otherwise a continuous source determines the balance."""
_BOTH_HEARD_DB: Final = 25.0
"""Above this level difference, the weaker channel contains its own noise rather than the sound of the other."""
_LEAST_HEARD: Final = 0.5
_SILENCE_DB: Final = -90.0
_LOUD_DB: Final = -60.0
_TINY: Final = 1e-20


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """Measured figures; NaN where a figure cannot be measured.

    Attributes:
        seconds: length of the sound.
        peak: largest sample.
        level_db: RMS of both channels, dB re full scale.
        difference: peak of |L - R| relative to the peak.
        side_mid_db: energy of (L - R) / 2 relative to that of (L + R) / 2, dB.
        correlation: of left and right, -1..1.
        balance_db: left over right, dB, over everything.
        ambience_db: left over right, dB, over the quietest parts, which no single source dominates.
        delay_ms: constant delay of the right channel relative to the left; 0 if there is none, or if it is unknown.
        spaced_share: share of the loud blocks whose sound reaches one channel before the other.
        spaced_ms: typical size of that time difference.
        bandwidth_hz: highest frequency with sound, down to 80 dB below the strongest.
        clipped_share: share of clipped samples in the channels as recorded.
        offset: largest constant offset (DC) of a channel, full scale = 1; it is removed for all other figures.
        agreement: agreement of the channels, -1..1, mean over the loud blocks that both channels contain; see `Blocks`.
            NaN where these are few: a channel that is nearly silent says nothing about phase.
        shared: share (0..1) of the sound that is one signal through one filter per channel; see `LongWindows.shared`.
        tilt_db: standard deviation of the level difference over frequency.
        sway_db: variation of the level difference over time: the value that one loud block in ten exceeds.
        onsets: level differences before reverberation arrives.
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
    offset: float = 0.0
    agreement: float = float("nan")
    shared: float = float("nan")
    tilt_db: float = float("nan")
    sway_db: float = float("nan")
    onsets: OnsetFigures = field(default_factory=OnsetFigures)


class ChannelStats:
    """Collects the statistics for `figures` and `stretches` from blocks of stereo sound.

    Args:
        rate: samples per second.
        tops: counts the clipped samples of the recorded channels, if they have been mixed or resampled since; by
            default, those of the blocks are counted.
    """

    def __init__(self, rate: int, tops: FlatTops | None = None) -> None:
        self.rate = rate
        self._size = 1 << round(math.log2(BLOCK_SECONDS * rate))
        self._window = np.hanning(self._size).astype(np.float32)
        bins = np.fft.rfftfreq(self._size, 1 / rate)
        self._band = as_slice(delay_band(bins, rate))
        self._judged = (bins >= BAND_HZ[0]) & (bins <= min(BAND_HZ[1], 0.45 * rate))
        self._buffer = np.zeros((2, 0), np.float32)
        self._offset, self._blocks, self._long = (
            OffsetRemover(rate),
            BlockFigures(bins, rate, self._size),
            LongWindows(rate),
        )
        self._onsets = OnsetDirections(rate)
        self._own_tops, self._tops = tops is None, tops or FlatTops()
        self.samples = self._loud = 0
        self._peak = self._difference = 0.0
        self._products = np.zeros(3)  # sums of L L, R R, L R
        self._by_level = np.zeros((121, 3))  # one row per dB from -120: number of blocks, energy, left over right (dB)
        self._spectra = np.zeros((2, bins.size))
        self._phases = np.zeros(bins.size, np.complex128)
        self._delays = np.zeros(round(SPACED_SECONDS * 1e5) + 2)  # histogram of |time difference|, 10 us per bin

    def add(self, stereo: Float32Array) -> Float32Array:
        """Add (2, n) samples; returns them without a constant offset (the same array if there is none)."""
        if not stereo.shape[1]:
            return stereo
        if self._own_tops:
            self._tops.add(stereo)
        stereo = self._offset.clean(stereo)
        self.samples += stereo.shape[1]
        self._peak = max(self._peak, float(np.abs(stereo).max()))
        self._difference = max(self._difference, float(np.abs(stereo[0] - stereo[1]).max()))
        left, right = stereo
        self._products += [float(left @ left), float(right @ right), float(left @ right)]
        self._long.add(stereo)
        self._onsets.add(stereo)
        self._buffer = np.concatenate([self._buffer, stereo], axis=1)
        whole = self._buffer.shape[1] // self._size * self._size
        if whole:
            self._add_blocks(self._buffer[:, :whole].reshape(2, -1, self._size))
        self._buffer = self._buffer[:, whole:]
        return stereo

    def _add_blocks(self, blocks: Float32Array) -> None:
        """Add (2, n, size) samples of n blocks."""
        energy = np.square(blocks).mean(axis=2)
        both = energy.mean(axis=0)
        level = 10 * np.log10(both.astype(np.float64) + _TINY)
        audible = level >= _SILENCE_DB
        left, right = scipy.fft.rfft(blocks * self._window, axis=2)
        self._blocks.add_blocks(level, left, right, ~audible)
        ratio = 10 * np.log10((energy[0].astype(np.float64) + _TINY) / (energy[1] + _TINY))
        columns = np.stack([np.ones_like(level), both, np.clip(ratio, -120.0, 120.0)], axis=1)
        row = np.clip(np.rint(level) + 120, 0, 120).astype(np.int64)
        np.add.at(self._by_level, row[audible], columns[audible])
        self._spectra += power(left[audible]).sum(axis=0), power(right[audible]).sum(axis=0)
        loud = audible & (level >= _LOUD_DB)
        if not loud.any():
            return
        self._loud += int(loud.sum())
        phases = cross_phases(left[loud], right[loud], self._band)
        self._phases += phases.sum(axis=0)
        for peak in peak_lags(phases, self._size, self.rate, SPACED_SECONDS, self._band.stop - self._band.start):
            if peak.delayed and abs(peak.lag) > least_delay(self.rate):
                self._delays[min(round(abs(peak.lag) * 1e5), len(self._delays) - 1)] += 1

    def _peak_lag(self, phases: NDArray[np.complexfloating], largest: float) -> Peak:
        return peak_lag(phases, self._size, self.rate, largest, self._band.stop - self._band.start)

    def stretches(self) -> list[Stretch]:
        """Stretches of the sound so far in which the channels carry no direction."""
        return find_stretches(self._blocks.blocks(), self._long.delays, self.samples / self.rate)

    def figures(self) -> ChannelFigures:
        """The figures of the sound so far."""
        left, right, both = self._products
        mid, side = max(0.0, left + right + 2 * both) / 4, max(0.0, left + right - 2 * both) / 4  # rounding
        share, size = self._spaced()
        agreement, sway = self._over_time()
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
            clipped_share=self._tops.share,
            offset=self._offset.largest,
            agreement=agreement,
            shared=self._long.shared(),
            tilt_db=self._tilt(),
            sway_db=sway,
            onsets=self._onsets.figures(),
        )

    def _over_time(self) -> tuple[float, float]:
        """Agreement of the channels, and the variation of their level difference."""
        blocks = self._blocks.blocks()
        loud = blocks.loud()
        if not loud.size:
            return float("nan"), float("nan")
        apart = np.abs(10 * np.log10((blocks.left[loud] + _TINY) / (blocks.right[loud] + _TINY)))
        both = blocks.agreement[loud][apart < _BOTH_HEARD_DB]
        agreement = float(both.mean()) if both.size >= _LEAST_HEARD * loud.size else float("nan")
        return agreement, float(np.percentile(apart, 90))

    def _tilt(self) -> float:
        left, right = self._spectra[:, self._judged]
        if not left.any() or not right.any():
            return float("nan")
        return float(np.std(10 * np.log10((left + _TINY) / (right + _TINY))))

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
        near, far = self._peak_lag(self._phases / self._loud, CONSTANT_SECONDS), self._long.delay()
        for peak in (near, far):
            if peak is not None and peak.delayed and abs(peak.lag) > least_delay(self.rate):
                return peak.lag
        return 0.0

    def _spaced(self) -> tuple[float, float]:
        if not self._loud:
            return float("nan"), float("nan")
        count = self._delays.sum()
        if not count:
            return 0.0, 0.0
        return float(count / self._loud), float(np.searchsorted(np.cumsum(self._delays), count / 2)) / 1e5

    def _bandwidth(self) -> float:
        spectrum = self._spectra.sum(axis=0)
        if not spectrum.any():
            return float("nan")
        present = np.flatnonzero(spectrum >= spectrum.max() * 1e-8)
        return float(present[-1] * self.rate / self._size)


def _decibels(power: float, reference: float) -> float:
    return float(np.clip(10 * np.log10((power + _TINY) / (reference + _TINY)), -120.0, 120.0))
