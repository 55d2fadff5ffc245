"""Activity of the events of a scene, which its labels are based on."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.scenes.bank.activity import BLOCK_SECONDS
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.scene import EventRecipe

BRIDGED_SECONDS: Final = 0.4
"""Shorter pauses, as between two knocks or steps, do not end an event."""


FRAME_SHARE: Final = 0.25
"""A 100-ms frame is labelled if at least this share of it is active."""


_BLOCKS_PER_FRAME: Final = 10


def bridge(sounding: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Fill pauses of at most `longest` blocks between active ones."""
    on = np.flatnonzero(sounding)
    filled = sounding.copy()
    for index in np.flatnonzero((np.diff(on) > 1) & (np.diff(on) <= longest + 1)):
        filled[on[index] : on[index + 1]] = True
    return filled


def event_blocks(bank: SoundBank, event: EventRecipe) -> NDArray[np.bool_]:
    """Which 10-ms blocks of an event are active, starting at its onset: (n,) bool, from the dry recordings."""
    parts: list[NDArray[np.bool_]] = []
    for number, name in enumerate(event.sounds):
        if number:
            parts.append(np.zeros(round(event.pause(number - 1) / BLOCK_SECONDS), dtype=bool))
        blocks = bank.sounding(name)
        size = int(min(blocks.size / event.speed, event.cut(number) / BLOCK_SECONDS))
        stretched = np.minimum((np.arange(size) * event.speed).astype(int), blocks.size - 1)
        parts.append(blocks[stretched])
    return bridge(np.concatenate(parts), round(BRIDGED_SECONDS / BLOCK_SECONDS))


def sound_frames(sounding: NDArray[np.bool_], onset: float, seconds: float) -> NDArray[np.bool_]:
    """Label frames in which an event is active: (round(10 * seconds),) bool.

    Args:
        sounding: active blocks from `event_blocks`.
        onset: onset of the event in seconds.
        seconds: length of the scene.
    """
    frames = round(seconds * 10)
    scene = np.zeros(frames * _BLOCKS_PER_FRAME, dtype=bool)
    start = round(onset / BLOCK_SECONDS)
    first, last = max(start, 0), min(start + sounding.size, scene.size)
    if last > first:
        scene[first:last] = sounding[first - start : last - start]
    return np.asarray(scene.reshape(frames, _BLOCKS_PER_FRAME).mean(axis=1) >= FRAME_SHARE)
