"""Level differences at onsets: whether anything but the middle sounds before reverberation arrives.

An effect that makes stereo from mono leaves the direct sound in the middle. Its reverberation, different in each
channel, gives each frequency a level difference of its own; only a source to one side gives all frequencies the same.
The limits in `diagnosis` come from scripts/measure_pseudo_stereo.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earwitness.doctor.channel_blocks import BAND_HZ

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]

FRAME_SECONDS: Final = 0.0213
"""Long enough for 40 bands, short compared with reverberation."""
_BANDS: Final = 40
_BEFORE: Final = 5
"""Number of frames before an onset that its energy is compared with."""
_RISE: Final = 4.0
_FALL: Final = 0.5
_LOUD_DB: Final = -60.0
_LOUD_BAND_DB: Final = -90.0
"""Below this level, a band holds the noise of 16-bit samples or of resampling, which differs between the channels."""
_BELOW_PEAK_DB: Final = 40.0
_PEAK_FALLS_DB: Final = 2.0
"""Fall of the reference level per second."""
_LEAST_PAIRS: Final = 20
_ABOVE_FLOOR_DB: Final = 5.0
_FLOOR_SHARE: Final = 0.2
_TINY: Final = 1e-20


@dataclass(frozen=True, slots=True)
class OnsetFigures:
    """Level differences at onsets; NaN if there are too few onsets.

    Attributes:
        common: share (0..1) of the squared level differences at onsets that all frequencies have in common: about 0 if
            all direct sound comes from the middle, about 1 if sources are to one side.
        most: upper limit of `common`, two standard errors above it.
        throughout: `common` over all loud frames instead of onsets.
        onset_side: share of side in the energy at onsets.
        tail_side: the same where the sound decays: 0.5 for channels that have unrelated reverberation.
    """

    common: float = math.nan
    most: float = math.nan
    throughout: float = math.nan
    onset_side: float = math.nan
    tail_side: float = math.nan


class OnsetDirections:
    """Collects `OnsetFigures` from stereo blocks of any length, in constant memory."""

    def __init__(self, rate: int) -> None:
        self._size = 1 << round(math.log2(FRAME_SECONDS * rate))
        self._hop = self._size // 2
        self._taper = np.hanning(self._size).astype(np.float32)
        bins = np.fft.rfftfreq(self._size, 1 / rate)
        edges = np.geomspace(BAND_HZ[0], min(BAND_HZ[1], 0.45 * rate), _BANDS + 1)
        self._edges = np.unique(np.searchsorted(bins, edges))
        bands = self._edges.size - 1
        self._falls = _PEAK_FALLS_DB * self._hop / rate
        self._buffer = np.zeros((2, 0), np.float32)
        self._before = np.zeros((bands, _BEFORE))
        self._peaks = np.full(bands + 1, -np.inf)
        self._onsets, self._all = _Common(), _Common()
        self._onset_side = np.zeros(2)  # sum of the shares of side, number of bands
        self._tails = np.zeros((2, bands, 121))  # the same by level, one column per dB from -120
        self._levels = np.zeros((bands, 121))

    def add(self, stereo: Float32Array) -> None:
        """Add (2, n) samples."""
        self._buffer = np.concatenate([self._buffer, stereo], axis=1)
        count = (self._buffer.shape[1] - self._size) // self._hop + 1
        if count < 1:
            return
        frames = sliding_window_view(self._buffer, self._size, axis=1)[:, :: self._hop][:, :count]
        self._add_frames(frames)
        self._buffer = self._buffer[:, count * self._hop :]

    def _add_frames(self, frames: Float32Array) -> None:
        left, right = scipy.fft.rfft(frames * self._taper, axis=2)
        middle, aside = (left + right) / 2, (left - right) / 2
        mid, side = self._bands(np.abs(middle) ** 2), self._bands(np.abs(aside) ** 2)
        scale = 4 / self._size**2
        energy = scale * (mid + side) + _TINY
        share = scale * side / energy
        difference = 2 * scale * self._bands(np.real(middle * np.conj(aside))) / energy
        before = self._mean_before(energy)
        audible = self._audible(energy)
        self._all.add(audible, difference)
        onset = audible & (energy > _RISE * before)
        self._onsets.add(onset, difference)
        self._onset_side += [share[onset].sum(), onset.sum()]
        self._count_levels(energy, share, energy < _FALL * before)

    def _bands(self, values: NDArray[np.float32]) -> FloatArray:
        stop = int(self._edges[-1])
        return np.add.reduceat(values[:, :stop].astype(np.float64), self._edges[:-1], axis=1).T

    def _mean_before(self, energy: FloatArray) -> FloatArray:
        known = np.concatenate([self._before, energy], axis=1)
        self._before = known[:, -_BEFORE:]
        return np.asarray(sliding_window_view(known[:, :-1], _BEFORE, axis=1).mean(axis=2))

    def _audible(self, energy: FloatArray) -> NDArray[np.bool_]:
        """Bands (bands, frames) near the highest level of the last seconds, in frames that are, too."""
        levels = 10 * np.log10(np.concatenate([energy, energy.sum(axis=0, keepdims=True)]))
        falling = self._falls * np.arange(1, levels.shape[1] + 1)
        known = np.concatenate([self._peaks[:, None], levels + falling], axis=1)
        peaks = np.maximum.accumulate(known, axis=1)[:, 1:] - falling
        self._peaks = peaks[:, -1]
        near = levels > peaks - _BELOW_PEAK_DB
        loud = levels[:-1] > _LOUD_BAND_DB
        return np.asarray(loud & near[:-1] & (near[-1] & (levels[-1] > _LOUD_DB)))

    def _count_levels(self, energy: FloatArray, share: FloatArray, falls: NDArray[np.bool_]) -> None:
        levels = np.clip(np.rint(10 * np.log10(energy)) + 120, 0, 120).astype(np.intp)
        band = np.broadcast_to(np.arange(len(energy))[:, None], energy.shape)
        np.add.at(self._levels, (band, levels), 1)
        np.add.at(self._tails[0], (band[falls], levels[falls]), share[falls])
        np.add.at(self._tails[1], (band[falls], levels[falls]), 1)

    def figures(self) -> OnsetFigures:
        """The figures of the sound so far."""
        common, most = self._onsets.share()
        onset, count = self._onset_side
        return OnsetFigures(
            common, most, self._all.share()[0], float(onset / count) if count else math.nan, self._tail_side()
        )

    def _tail_side(self) -> float:
        """Share of side in decaying sound above the noise floor of each band."""
        counts = np.cumsum(self._levels[:, 1:], axis=1)  # without silence
        floor = 1 + np.argmax(counts >= _FLOOR_SHARE * counts[:, -1:], axis=1)
        above = np.arange(121) > floor[:, None] + _ABOVE_FLOOR_DB
        shares, number = (self._tails * above).sum(axis=(1, 2))
        return float(shares / number) if number else math.nan


class _Common:
    """The part of the level differences that distant bands of a frame have in common, as sums over frames.

    On average, the product of the differences of two bands is the mean square of the common part; the parts that each
    band has alone cancel out. Adjacent bands are left out: the window leaks from one to the other.
    """

    def __init__(self) -> None:
        self._sums = np.zeros(5)  # over frames, weighted by bands: weight, product; squares: weight, product, product^2
        self._power = np.zeros(2)

    def add(self, chosen: NDArray[np.bool_], difference: FloatArray) -> None:
        """Add (bands, frames) differences in the chosen bands."""
        some = np.where(chosen, difference, 0.0)
        count, total, squares = chosen.sum(axis=0), some.sum(axis=0), np.square(some).sum(axis=0)
        pairs = count**2 - count - 2 * (chosen[1:] & chosen[:-1]).sum(axis=0)
        products = total**2 - squares - 2 * (some[1:] * some[:-1]).sum(axis=0)
        enough = pairs > _LEAST_PAIRS
        weight, mean = count[enough], products[enough] / pairs[enough]
        self._sums += [
            weight.sum(), (weight * mean).sum(), (weight**2).sum(), (weight**2 * mean).sum(),
            (weight**2 * mean**2).sum(),
        ]  # fmt: skip
        self._power += [squares[enough].sum(), count[enough].sum()]

    def share(self) -> tuple[float, float]:
        """The share of the common part in the mean square, and its upper limit; NaN if unknown."""
        weight, product, square, first, second = self._sums
        if not self._power[0]:
            return math.nan, math.nan
        common, power = product / weight, self._power[0] / self._power[1]
        error = math.sqrt(max(0.0, second - 2 * common * first + common**2 * square)) / weight
        few = math.sqrt(square) / weight  # one over the square root of the number of frames
        return float(common / power), float((common + 2 * error) / power + few**2)
