"""Converts sound to stereo at another rate: downmix of loudspeaker layouts, ambisonics, resampling.

ambiX has the channels W, Y, Z, X (ACN) with SN3D gains: in any sound field, Y, Z and X together have the energy of W.
The older format of Furse and Malham (FuMa) has the order W, X, Y, Z, and its W is 3 dB lower. In both, sound from the
right or from behind appears in Y or X with the opposite sign of W; in recordings that are not ambisonic, the sign of a
whole channel does not depend on the direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from math import sqrt
from typing import Any, Final, Literal, NamedTuple

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from earwitness.core.geometry import foa_to_stereo

_HALF_POWER: Final = 1 / sqrt(2)
_LEFT: Final = {"FL": 1.0, "DL": 1.0, "FLC": 1.0, "WL": _HALF_POWER, "SL": _HALF_POWER, "BL": _HALF_POWER,
                "SDL": _HALF_POWER, "TFL": _HALF_POWER, "TBL": _HALF_POWER, "TSL": _HALF_POWER}  # fmt: skip
_RIGHT: Final = {"FR": 1.0, "DR": 1.0, "FRC": 1.0, "WR": _HALF_POWER, "SR": _HALF_POWER, "BR": _HALF_POWER,
                 "SDR": _HALF_POWER, "TFR": _HALF_POWER, "TBR": _HALF_POWER, "TSR": _HALF_POWER}  # fmt: skip
_BOTH: Final = {"FC": _HALF_POWER, "BC": 0.5, "TC": 0.5, "TFC": 0.5, "TBC": 0.5}
_SILENT: Final = frozenset({"LFE", "LFE2"})
_LONG: Final = frozenset({"s64", "s64p"})
_MOST_PLANES: Final = 7
LOUDEST: Final = 1e6
"""Larger floats (120 dB above full scale) are damaged samples. 16-bit integers stored as floats without scaling are
smaller than this."""

FloatArray = NDArray[np.float32]
Layout = Literal["auto", "foa", "fuma", "surround"]
"""Interpretation of the channels of a track: automatic, ambiX, FuMa, or loudspeakers as declared."""
LAYOUTS: Final[tuple[Layout, ...]] = ("auto", "foa", "fuma", "surround")
Verdict = Literal["foa", "possible", "no"]

CHANNELS: Final = 4
BLOCK_SECONDS: Final = 0.05
ANALYSED_SECONDS: Final = 600.0
_LOUD_DB: Final = 30.0
_LEAST_BLOCKS: Final = 5
_SN3D_DB: Final = 0.0
_OTHER_DB: Final = (3.01, 4.77)
"""Energy of the other channels relative to W with FuMa and N3D gains."""
_CERTAIN_DB: Final = 1.0
_POSSIBLE_DB: Final = 0.5
"""Maximum deviations of the median over the blocks from these levels."""
_STEADY_DB: Final = 3.5
_LOOSE_DB: Final = 5.0
_LOOSE_TOTAL_DB: Final = 1.75
"""Maximum deviations of the 10th and 90th percentile over the blocks from their mean, which reverberation increases."""
_COHERENT: Final = 0.9
_COPY_DB: Final = -25.0
_STRONGEST_SHARE: Final = 0.2
"""Maximum share of blocks in which another channel is louder than W."""

StereoArray = NDArray[np.float32]


@cache
def stereo_matrix(channels: tuple[str, ...]) -> NDArray[np.float32] | None:
    """Downmix matrix (2, channels) by ITU-R BS.775: L = FL + 0.707 FC + 0.707 SL (+ 0.707 BL), without LFE.

    The gains are not normalised, so that sound in front keeps its level; floats can exceed 1.

    Args:
        channels: FFmpeg's channel names, such as ("FL", "FR", "FC", "LFE", "BL", "BR").

    Returns:
        None if a channel has no known direction, as in ambisonics or discrete layouts.
    """
    known = _LEFT.keys() | _RIGHT.keys() | _BOTH.keys() | _SILENT
    if not all(name in known for name in channels):
        return None
    left = [_LEFT.get(name, 0.0) + _BOTH.get(name, 0.0) for name in channels]
    right = [_RIGHT.get(name, 0.0) + _BOTH.get(name, 0.0) for name in channels]
    return np.array([left, right], dtype=np.float32)


def frame_samples(frame: AudioFrame) -> NDArray[np.float32]:
    """Samples (channels, n) of a decoded frame as floats, from any sample format, planar or packed.

    Integers are scaled to [-1, 1]; floats are unchanged and may include NaN and infinities (see `silence_damage`).
    """
    frame = _with_few_planes(frame)
    raw = _raw(frame)
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype == np.uint8:
        return ((raw.astype(np.float32) - 128) / 128).astype(np.float32)
    if np.issubdtype(raw.dtype, np.integer):
        return (raw / -float(np.iinfo(raw.dtype).min)).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # large doubles become infinite
        return raw.astype(np.float32)


def silence_damage(samples: NDArray[np.float32]) -> int:
    """Set NaN, infinite and too large samples (`LOUDEST`) to 0 in place; returns their number."""
    if np.abs(samples).max(initial=0.0) <= LOUDEST:  # also False for NaN
        return 0
    bad = ~(np.abs(samples) <= LOUDEST)
    samples[bad] = 0
    return int(np.count_nonzero(bad))


def _with_few_planes(frame: AudioFrame) -> AudioFrame:
    """The frame itself, or one with all channels in one plane where there are many.

    From eight planes on, PyAV takes what stands in memory behind their addresses for further ones, until it finds a
    zero, and crashes when it reads them.
    """
    if not frame.format.is_planar or frame.layout.nb_channels <= _MOST_PLANES:
        return frame
    packer = av.AudioResampler(frame.format.packed.name, frame.layout, frame.sample_rate)
    (packed, *_) = [*packer.resample(frame), *packer.resample(None)]
    return packed


def _raw(frame: AudioFrame) -> NDArray[Any]:
    if frame.format.name not in _LONG:
        return frame.to_ndarray()
    # PyAV has no arrays of 64-bit integers.
    values = frame.samples * (1 if frame.format.is_planar else frame.layout.nb_channels)
    return np.stack([np.frombuffer(bytes(plane), dtype="<i8", count=values) for plane in frame.planes])


def to_stereo(samples: NDArray[np.float32], channels: tuple[str, ...]) -> tuple[NDArray[np.float32], bool]:
    """Convert samples (channels, n) to stereo (2, n); also returns whether the layout is known.

    Mono is copied to both channels; of an unknown layout the first two channels are used.
    """
    if samples.shape[0] == 1:
        return np.repeat(samples, 2, axis=0), True
    if samples.shape[0] == 2:
        return samples, True
    matrix = stereo_matrix(channels)
    if matrix is None:
        return samples[:2], False
    return matrix @ samples, True


class _Sign(NamedTuple):
    """Criteria for a channel with the opposite sign of W.

    Attributes:
        coherence: maximum coherence with W.
        level_db: minimum level relative to W.
        share: minimum share of the loud blocks.
    """

    coherence: float
    level_db: float
    share: float


_SURE: Final = _Sign(-0.8, -10.0, 0.05)
_WEAK: Final = _Sign(-0.3, -15.0, 0.1)
_FUMA_W: Final = np.float32(np.sqrt(2))


def is_ambisonic_layout(channels: tuple[str, ...]) -> bool:
    """Whether the first four channel names of a layout are ambisonic."""
    return len(channels) >= CHANNELS and all(name.startswith("AMBI") for name in channels[:CHANNELS])


def ambisonic_stereo(samples: FloatArray, layout: Layout) -> FloatArray:
    """Two coincident cardioids (2, n), left and right, from (>= 4, n) ambisonic samples; higher orders are ignored."""
    first = samples[:CHANNELS]
    if layout == "fuma":
        w, x, y, z = first
        first = np.stack([w * _FUMA_W, y, z, x])
    return np.asarray(foa_to_stereo(first), dtype=np.float32)


class AmbisonicEvidence:
    """Distinguishes first-order ambisonics from other four-channel recordings by energies and coherences.

    Args:
        rate: samples per second.
    """

    def __init__(self, rate: int) -> None:
        self._length = max(16, round(rate * BLOCK_SECONDS))
        self._held: FloatArray = np.zeros((CHANNELS, 0), np.float32)
        self._products: list[NDArray[np.float64]] = []

    def add(self, samples: FloatArray) -> None:
        """Add (4, n) samples."""
        held = np.concatenate([self._held, samples[:CHANNELS]], axis=1)
        blocks = held.shape[1] // self._length
        whole = held[:, : blocks * self._length].astype(np.float64).reshape(CHANNELS, blocks, self._length)
        self._products.append(np.einsum("cbn,cbn->bc", whole, whole))
        self._products[-1] = np.concatenate([self._products[-1], np.einsum("bn,cbn->bc", whole[0], whole[1:])], axis=1)
        self._held = held[:, blocks * self._length :]

    def verdict(self) -> Verdict:
        """Result: "foa" if the channels are certainly ambiX, "possible" if they may be ambisonic, otherwise "no"."""
        blocks = np.concatenate(self._products) if self._products else np.zeros((0, 2 * CHANNELS - 1))
        energy, cross = blocks[:, :CHANNELS], blocks[:, CHANNELS:]
        total = energy.sum(axis=1)
        loud = (total > total.max(initial=0.0) * 10 ** (-_LOUD_DB / 10)) & (energy[:, 0] > 0)
        if np.count_nonzero(loud) < _LEAST_BLOCKS:
            return "no"
        return _Blocks(energy[loud], cross[loud]).verdict()


class _Blocks:
    """Statistics of the loud blocks.

    Args:
        energy: (blocks, 4) energies of the channels.
        cross: (blocks, 3) sums of W times each other channel.
    """

    def __init__(self, energy: NDArray[np.float64], cross: NDArray[np.float64]) -> None:
        self._share = energy[:, 1:] / energy[:, :1]
        self._coherence = cross / np.sqrt(energy[:, 1:] * energy[:, :1] + 1e-30)
        self._total = _decibels(energy[:, 1:].sum() / energy[:, 0].sum())
        self._low, self._middle, self._high = np.percentile(_decibels(self._share.sum(axis=1)), [10, 50, 90])

    def verdict(self) -> Verdict:
        """See `AmbisonicEvidence`."""
        if self._opposite(_SURE) and self._spread(_STEADY_DB):
            if abs(self._middle - _SN3D_DB) <= _CERTAIN_DB:
                return "foa"
            other = any(abs(self._middle - level) <= _POSSIBLE_DB for level in _OTHER_DB)
            return "possible" if other else "no"
        near = abs(self._middle - _SN3D_DB) <= _POSSIBLE_DB
        if near and self._spread(_STEADY_DB) and self._in_front():
            return "possible"
        reverberant = (
            abs(self._total - _SN3D_DB) <= _LOOSE_TOTAL_DB and self._spread(_LOOSE_DB) and self._w_is_strongest()
        )
        return "possible" if reverberant and self._opposite(_WEAK) else "no"

    def _spread(self, most_db: float) -> bool:
        return bool(self._high - self._low <= 2 * most_db)

    def _opposite(self, sign: _Sign) -> bool:
        """Whether enough blocks have a channel with the opposite sign of W (sound from the right or from behind)."""
        found = (self._coherence < sign.coherence) & (self._share > 10 ** (sign.level_db / 10))
        return bool(np.count_nonzero(found.any(axis=1)) >= max(3, sign.share * len(found)))

    def _in_front(self) -> bool:
        """Whether X, the last channel, is a copy of W, as for a single source in front; rear loudspeakers are not."""
        alike = (self._share[:, 2] > 10 ** (_COPY_DB / 10)) & (self._coherence[:, 2] > _COHERENT)
        return bool(np.median(alike) == 1)

    def _w_is_strongest(self) -> bool:
        return bool((self._share.max(axis=1) > 10 ** (_POSSIBLE_DB / 10)).mean() <= _STRONGEST_SHARE)


def _decibels(ratio: Any) -> Any:
    return 10 * np.log10(ratio + 1e-12)


class StreamResampler:
    """Resamples stereo audio block by block; the result does not depend on the block sizes.

    After `finish`, the total output is exactly round(input samples * rate_out / rate_in) samples.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._rates = (rate_in, rate_out)
        self._same = rate_in == rate_out
        self._stream = None if self._same else soxr.ResampleStream(rate_in, rate_out, 2, dtype="float32")
        self._fed = 0
        self._made = 0

    def push(self, block: StereoArray) -> StereoArray:
        """Feed (2, n) samples; returns the (2, m) samples that are ready, where m may be 0."""
        self._fed += block.shape[1]
        if self._stream is None:
            return block
        return self._take(self._stream.resample_chunk(np.ascontiguousarray(block.T)))

    def finish(self) -> StereoArray:
        """Close the stream; returns the remaining samples (2, m)."""
        if self._stream is None:
            return np.zeros((2, 0), np.float32)
        made_before = self._made
        rest = self._take(self._stream.resample_chunk(np.zeros((0, 2), np.float32), last=True))
        missing = round(self._fed * self._rates[1] / self._rates[0]) - made_before
        if missing <= rest.shape[1]:
            return rest[:, : max(0, missing)]
        return np.pad(rest, ((0, 0), (0, missing - rest.shape[1])))

    def _take(self, interleaved: NDArray[np.float32]) -> StereoArray:
        self._made += interleaved.shape[0]
        return np.ascontiguousarray(interleaved.T)


def resample(stereo: StereoArray, rate_in: int, rate_out: int) -> StereoArray:
    """Resample (2, n) samples to round(n * rate_out / rate_in)."""
    resampler = StreamResampler(rate_in, rate_out)
    return np.concatenate([resampler.push(stereo), resampler.finish()], axis=1)


def joined_channels(left: Iterable[StereoArray], right: Iterable[StereoArray]) -> Iterator[StereoArray]:
    """Blocks (2, n) with the left channel of `left` and the right one of `right`; the shorter input is zero-padded."""
    sources, done = (iter(left), iter(right)), [False, False]
    held = [np.zeros(0, np.float32), np.zeros(0, np.float32)]
    while True:
        for side in (0, 1):
            if not held[side].size and not done[side]:
                block = next(sources[side], None)
                done[side] = block is None
                held[side] = held[side] if block is None else block[0]
        if all(done) and not held[0].size and not held[1].size:
            return
        ready = [part.size for part, over in zip(held, done, strict=True) if part.size or not over]
        count = min(ready)
        yield np.stack([np.pad(part[:count], (0, count - part[:count].size)) for part in held])
        held = [part[count:] for part in held]
