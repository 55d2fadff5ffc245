"""Finds clips of two sets with the same sound, regardless of name, level, header and channel order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError
from earwitness.data.dcase.layout import Clip
from earwitness.media.sound.wav import read_pcm, wav_info

_PLACES: Final = (12_000, 36_000, 60_000, 84_000)
"""Positions, in samples, of the short sections that are compared first."""
_SAMPLES: Final = 2048
_SILENT: Final = 1e-4
_SAME: Final = 0.95
"""Minimum correlation of clips with the same sound."""

PeakKey = tuple[int, int, int]
"""Number of a section, and the positions in it at which the sum and the difference of the channels peak."""


def same_clips(one: Sequence[Clip], other: Sequence[Clip]) -> Iterator[tuple[Clip, Clip]]:
    """Pairs of clips, one of each set, with the same sound; damaged and silent clips match no other.

    The peak positions in a few short sections do not depend on the level or the channel order; only clips that agree in
    one section are read and compared completely.
    """
    by_key: dict[PeakKey, list[Clip]] = defaultdict(list)
    for clip in one:
        for key in _peak_keys(clip):
            by_key[key].append(clip)
    for clip in other:
        candidates = dict.fromkeys(match for key in _peak_keys(clip) for match in by_key.get(key, ()))
        found = next((match for match in candidates if _same(match, clip)), None)
        if found is not None:
            yield found, clip


def _peak_keys(clip: Clip) -> Iterable[PeakKey]:
    keys: list[PeakKey] = []
    if clip.sound is None:
        return keys
    try:
        samples = wav_info(clip.sound).samples
        for number, place in enumerate(_PLACES):
            if place + _SAMPLES <= samples:
                added, apart = _added(read_pcm(clip.sound, place, _SAMPLES))
                if added.max() >= _SILENT or apart.max() >= _SILENT:
                    keys.append((number, int(added.argmax()), int(apart.argmax())))
    except EarwitnessError:
        return []
    return keys


def _same(one: Clip, other: Clip) -> bool:
    if one.sound is None or other.sound is None:
        return False
    try:
        pairs = list(zip(_summed(one.sound), _summed(other.sound), strict=True))
    except EarwitnessError:
        return False
    size = min(one.size for pair in pairs for one in pair)
    product = sum(abs(float(np.dot(a[:size], b[:size]))) for a, b in pairs)
    energies = [sum(float(np.dot(pair[side][:size], pair[side][:size])) for pair in pairs) for side in (0, 1)]
    return product > _SAME * max(float(np.sqrt(energies[0] * energies[1])), 1e-12)


def _summed(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and difference of the first and the last channel."""
    sound = read_pcm(path).astype(np.float64)
    return sound[0] + sound[-1], sound[0] - sound[-1]


def _added(sound: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.abs(sound[0] + sound[-1]), np.abs(sound[0] - sound[-1])
