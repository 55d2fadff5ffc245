"""What speaks for a common cause of a sound and of something seen, as numbers: angle, motion in step, surety."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.events import EventTable, SoundEvent
from earwitness.vision.boxes import PERSON
from earwitness.vision.candidates import Candidate
from earwitness.vision.motion import MOVING

FloatArray = NDArray[np.float64]

OUTSIDE_FRAMES: Final = 30
"""How far before and after an event silence is compared with it."""
_REST: Final = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """An event of n frames, and m candidates that may be its cause.

    Attributes:
        candidates: those that can make a sound of its class and are in the picture during it.
        azimuth: (m, n) degrees; NaN while not in the picture.
        offset: (m, n) degrees from the candidate to the sound, averaged over a window; NaN as above.
        width: (m, n) degrees.
        motion: (m,) 0..1 share of the event in which it moves.
        contrast: (m,) -1..1 that share less the share of the silence around; 0 where that is unknown.
        logit: (m,) log-odds of the detector's score.
    """

    candidates: tuple[Candidate, ...]
    azimuth: FloatArray
    offset: FloatArray
    width: FloatArray
    motion: FloatArray
    contrast: FloatArray
    logit: FloatArray

    @property
    def kinds(self) -> list[str]:
        """Kind of each candidate, as `FusionSettings.kinds` calls it."""
        return [kind_of(candidate) for candidate in self.candidates]


def kind_of(candidate: Candidate) -> str:
    """Kind of a candidate, as `FusionSettings.kinds` calls it."""
    return "person" if candidate.label == PERSON else "motion" if candidate.label == MOVING else "thing"


def sounding_frames(table: EventTable, class_index: int, num_frames: int) -> NDArray[np.bool_]:
    """(num_frames,) whether a class sounds."""
    sounds = np.zeros(max(num_frames, table.num_frames), dtype=np.bool_)
    sounds[table.frame[table.class_index == class_index]] = True
    return sounds


def gather(
    event: SoundEvent, candidates: Sequence[Candidate], sounds: NDArray[np.bool_], window_frames: int
) -> Evidence:
    """Evidence of an event.

    Args:
        event: with directions.
        candidates: everything seen.
        sounds: (frames,) when its class sounds, this event and others.
        window_frames: see `FusionSettings`.
    """
    frame, index = event.table.frame.astype(np.int64), event.sound_class.index
    chosen, azimuths, widths = [], [], []
    for candidate in candidates:
        if not candidate.may_make(index):
            continue
        azimuth = _at(candidate.azimuth[index], candidate.start, frame)
        if np.isfinite(azimuth).any():
            chosen.append(candidate)
            azimuths.append(azimuth)
            widths.append(np.nan_to_num(_at(candidate.width, candidate.start, frame)))
    shape = (len(chosen), len(frame))
    azimuth = np.stack(azimuths) if chosen else np.zeros(shape)
    offset = event.table.azimuth.astype(np.float64) - azimuth
    motion, contrast = _motion(chosen, frame, sounds)
    score = np.clip([candidate.score for candidate in chosen], 0.02, 0.98)
    return Evidence(
        tuple(chosen),
        azimuth,
        np.where(np.isfinite(offset), _window_mean(offset, window_frames), np.nan),
        np.stack(widths) if chosen else np.zeros(shape),
        motion,
        contrast,
        np.log(score / (1 - score)),
    )


def _at(values: NDArray[np.float32], start: int, frame: NDArray[np.int64]) -> FloatArray:
    """Values of a track that begins at `start`, at some frames; NaN outside."""
    place = frame - start
    inside = (place >= 0) & (place < len(values))
    return np.where(inside, values[np.clip(place, 0, len(values) - 1)], np.nan).astype(np.float64)


def _window_mean(values: FloatArray, half: int) -> FloatArray:
    """Means (m, n) over 2 half + 1 places along the last axis, of what is known."""
    known = np.isfinite(values)
    sums = np.cumsum(np.pad(np.where(known, values, 0), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(known.astype(np.float64), ((0, 0), (1, 0))), axis=1)
    place = np.arange(values.shape[1])
    low, high = np.maximum(place - half, 0), np.minimum(place + half + 1, values.shape[1])
    return np.asarray((sums[:, high] - sums[:, low]) / np.maximum(counts[:, high] - counts[:, low], 1))


def _motion(
    chosen: list[Candidate], frame: NDArray[np.int64], sounds: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    around = np.arange(max(0, frame[0] - OUTSIDE_FRAMES), min(len(sounds), frame[-1] + 1 + OUTSIDE_FRAMES))
    silent = around[~sounds[around]]
    during = np.array([_share(candidate, frame) for candidate in chosen])
    outside = np.array([_share(candidate, silent) for candidate in chosen])
    contrast = np.where(np.isfinite(during) & np.isfinite(outside), during - outside, 0)
    return np.nan_to_num(during), contrast


def _share(candidate: Candidate, frame: NDArray[np.int64]) -> float:
    """Share of the frames in which it moves, of those of which it is known; a region that is gone has come to rest."""
    motion = _at(candidate.motion, candidate.start, frame)
    if candidate.label == MOVING:
        motion = np.nan_to_num(motion)
    known = np.isfinite(motion)
    return float((motion[known] > _REST).mean()) if known.any() else float("nan")
