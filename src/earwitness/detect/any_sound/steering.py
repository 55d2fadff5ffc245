"""Sound steered to a direction: what reaches two coincident cardioids from there.

For a plane wave from s = sin(azimuth), L = (1 + s) w and R = (1 - s) w (`features.spatial`), so that the level ratio of
the channels gives the direction of each time-frequency bin: s = (|L| - |R|) / (|L| + |R|). A soft mask around the
wanted azimuth is applied to the mid signal, which is the same in all directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earwitness.core.events import FRAME_SECONDS, SoundEvent

Float32Array = NDArray[np.float32]
SoundSource = Callable[[], Iterable[Float32Array]]
"""Returns the sound from its beginning, in blocks (2, n)."""

WIDTH_DEG: Final = 20.0
"""Standard deviation of the mask."""
FLOOR: Final = 0.1
"""Gain of bins from elsewhere: harder masks make chirps of their own, which a tagger takes for birds."""
_SMOOTHED: Final = 5
"""Frames and bins over which the levels are averaged, for the same reason."""
LONGEST_SECONDS: Final = 10.0
"""Of a longer event, this much is used, from its beginning."""
_WINDOW: Final = 1024
_HOP: Final = _WINDOW // 2
_TINY: Final = 1e-9
_MARGIN_SECONDS: Final = 0.1


def steered(stereo: Float32Array, azimuth: Float32Array, rate: int) -> Float32Array:
    """The sound from a direction.

    Args:
        stereo: (2, n).
        azimuth: (frames,) degrees every 100 ms from the first sample; NaN: from everywhere.
        rate: samples per second.

    Returns:
        (n,) float32.
    """
    length = stereo.shape[1]
    padded = np.pad(stereo, ((0, 0), (_HOP, _WINDOW + -length % _HOP)))
    window = np.sqrt(np.hanning(_WINDOW + 1)[:_WINDOW]).astype(np.float32)
    spectra = np.fft.rfft(sliding_window_view(padded, _WINDOW, axis=1)[:, ::_HOP] * window, axis=-1)
    left, right = (np.sqrt(_smooth(np.square(np.abs(channel)))) for channel in spectra)
    times = np.arange(spectra.shape[1]) * _HOP / rate
    wanted = azimuth[np.clip((times / FRAME_SECONDS).astype(np.intp), 0, len(azimuth) - 1)]
    direction = np.degrees(np.arcsin((left - right) / (left + right + _TINY)))
    mask = FLOOR + (1 - FLOOR) * np.exp(-0.5 * np.square((direction - wanted[:, None]) / WIDTH_DEG))
    mask[np.isnan(wanted)] = 1.0
    frames = np.fft.irfft(mask * spectra.mean(axis=0), _WINDOW, axis=-1) * window
    sound = np.zeros((len(frames) + 1) * _HOP)
    for half in range(2):  # frames overlap by half
        sound[half * _HOP : (half + len(frames)) * _HOP] += frames[:, half * _HOP : (half + 1) * _HOP].ravel()
    return np.asarray(sound[_HOP : _HOP + length], dtype=np.float32)


def _smooth(power: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean of powers (frames, bins) over neighbouring frames and bins."""
    for axis in (0, 1):
        edge = [(0, 0), (0, 0)]
        edge[axis] = (_SMOOTHED // 2, _SMOOTHED // 2)
        power = sliding_window_view(np.pad(power, edge, mode="edge"), _SMOOTHED, axis=axis).mean(axis=-1)
    return power


@dataclass(frozen=True, slots=True)
class _Part:
    """Samples of an event: from `begin` to `end`."""

    event: int
    begin: int
    end: int


def steered_events(events: list[SoundEvent], source: SoundSource, rate: int) -> Iterator[tuple[int, Float32Array]]:
    """The sound of each event; memory does not grow with the length of the recording.

    It is steered to the event's direction where another event sounds at the same time, and unchanged elsewhere: masks
    cost quality.

    Args:
        events: the events.
        source: returns the sound.
        rate: samples per second.

    Yields:
        Index of an event, and its sound (n,), in order of the ends; not for events beyond the end of the sound.
    """
    margin = round(_MARGIN_SECONDS * rate)
    parts = []
    for index, event in enumerate(events):
        begin = max(0, round(event.start * rate) - margin)
        end = round(min(event.end, event.start + LONGEST_SECONDS) * rate) + margin
        parts.append(_Part(index, begin, end))
    busy = np.bincount(np.concatenate([np.zeros(0, np.int64), *(event.table.frame for event in events)])) > 1
    waiting = sorted(parts, key=lambda part: part.end, reverse=True)
    for first, held, closed in _held(source(), round((LONGEST_SECONDS + 1) * rate)):
        while waiting and (closed or waiting[-1].end <= first + held.shape[1]):
            part = waiting.pop()
            sound = held[:, max(0, part.begin - first) : part.end - first]
            if sound.shape[1]:
                yield part.event, steered(sound, _azimuths(events[part.event], part.begin / rate, busy), rate)
        if not waiting:
            return


def _held(blocks: Iterable[Float32Array], longest: int) -> Iterator[tuple[int, Float32Array, bool]]:
    """The last samples so far, at least `longest` of them: the first one's number, the samples, whether it is all."""
    first, held = 0, np.zeros((2, 0), np.float32)
    for block in blocks:
        held = np.concatenate([held, block], axis=1)
        yield first, held, False
        surplus = max(0, held.shape[1] - longest)
        first, held = first + surplus, held[:, surplus:]
    yield first, held, True


def _azimuths(event: SoundEvent, begin: float, busy: NDArray[np.bool_]) -> Float32Array:
    """The azimuth of an event every 100 ms from `begin` (seconds) on; NaN in frames that are not busy.

    Before and after the event, it is that of its ends.
    """
    table = event.table
    frames = begin / FRAME_SECONDS + np.arange(int(table.frame[-1] - begin / FRAME_SECONDS) + 2)
    azimuth: Float32Array = np.interp(frames, table.frame, table.azimuth).astype(np.float32)
    azimuth[~busy[np.clip(np.rint(frames).astype(np.intp), 0, len(busy) - 1)]] = np.nan
    return azimuth
