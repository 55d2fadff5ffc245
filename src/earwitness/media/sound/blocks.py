"""Helpers for blocks of decoded audio: marking the last frame, inserting silence, concatenating parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import numpy as np

from earwitness.media.sound.decode import Sound
from earwitness.media.sound.resample import StereoArray

BLOCK_SECONDS: Final = 1


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


def mark_last(sounds: Iterator[Sound]) -> Iterator[tuple[Sound, bool]]:
    """Each frame, and whether it is the last one."""
    held: Sound | None = None
    for sound in sounds:
        if held is not None:
            yield held, False
        held = sound
    if held is not None:
        yield held, True


def without_padding(sound: Sound, declared_end: Fraction | None) -> StereoArray:
    """The last frame up to the declared end, without the encoder's padding."""
    if declared_end is None or sound.start is None:
        return sound.stereo
    keep = round((declared_end - sound.start) * sound.rate)
    return sound.stereo[:, :keep] if 0 < keep < sound.stereo.shape[1] else sound.stereo


def silence(rate: int, samples: int, parts: list[StereoArray]) -> Iterator[tuple[int, StereoArray]]:
    """Silence in blocks of at most a second; an incomplete last block is added to `parts`."""
    if samples > rate * BLOCK_SECONDS:
        yield from join(rate, parts)
    while samples > rate * BLOCK_SECONDS:
        yield rate, np.zeros((2, rate * BLOCK_SECONDS), np.float32)
        samples -= rate * BLOCK_SECONDS
    if samples:
        parts.append(np.zeros((2, samples), np.float32))


def join(rate: int, parts: list[StereoArray]) -> Iterator[tuple[int, StereoArray]]:
    """Concatenate and clear `parts`; yields nothing if there are none."""
    if parts:
        yield rate, np.concatenate(parts, axis=1)
        parts.clear()
