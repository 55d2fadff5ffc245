"""Finds clips of two sets that hold the same sound, whatever their names, levels, headers and sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError
from earwitness.data.dcase.layout import Clip
from earwitness.media.sound.pcm import read_pcm, wav_info

_PLACES: Final = (12_000, 36_000, 60_000, 84_000)
"""Samples at which clips are looked at."""
_SAMPLES: Final = 2048
_SILENT: Final = 1e-4
_SAME: Final = 0.95
"""Correlation of two clips from which they are the same."""

Mark = tuple[int, int, int]
"""Which of the places, and where in it the sum and the difference of the channels are loudest."""


def same_clips(one: Sequence[Clip], other: Sequence[Clip]) -> Iterator[tuple[Clip, Clip]]:
    """Pairs of clips, one of each set, that hold the same sound; damaged and silent ones are like no other.

    Where a clip is loudest in a few short stretches does not change with its level or its sides; only clips that agree
    in one of those are read and compared.
    """
    marked: dict[Mark, list[Clip]] = defaultdict(list)
    for clip in one:
        for mark in _marks(clip):
            marked[mark].append(clip)
    for clip in other:
        candidates = dict.fromkeys(alike for mark in _marks(clip) for alike in marked.get(mark, ()))
        found = next((alike for alike in candidates if _same(alike, clip)), None)
        if found is not None:
            yield found, clip


def _marks(clip: Clip) -> Iterable[Mark]:
    marks: list[Mark] = []
    if clip.sound is None:
        return marks
    try:
        samples = wav_info(clip.sound).samples
        for number, place in enumerate(_PLACES):
            if place + _SAMPLES <= samples:
                added, apart = _added(read_pcm(clip.sound, place, _SAMPLES))
                if added.max() >= _SILENT or apart.max() >= _SILENT:
                    marks.append((number, int(added.argmax()), int(apart.argmax())))
    except EarwitnessError:
        return []
    return marks


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
