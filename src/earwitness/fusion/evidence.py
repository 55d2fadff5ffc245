"""What speaks for a common cause of a sound and of something seen, as numbers: angle, motion in step, surety."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.vocabulary import CLASSES, NUM_CLASSES
from earwitness.vision.boxes import PERSON
from earwitness.vision.motion import MOVING
from earwitness.vision.tracking.candidates import PARTS, Candidate

FloatArray = NDArray[np.float64]

OUTSIDE_FRAMES: Final = 30
"""How far before and after an event silence is compared with it."""
_REST: Final = 0.02
_USUAL_SHARE: Final = 0.25
_USUAL_FRAMES: Final = 5
"""What is taken for known of silence beforehand: how much of it things move, and how many frames that counts for."""
_AT_EDGE: Final = 0.02
_DEEP: Final = 0.25
"""Farther from the edge, the distance says no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """An event of n frames, and m candidates that may be its cause.

    Attributes:
        candidates: those that can make a sound of its class and are in the picture during it.
        azimuth: (m, n) degrees; NaN while not in the picture.
        offset: (m, n) degrees from the candidate to the sound, averaged over a window; NaN as above.
        width: (m, n) degrees.
        distance: (m, n) metres, geometric means over the window of what its size tells; NaN where that is unknown.
        motion: (m,) 0..1 share of the event in which it moves.
        contrast: (m,) -1..1 that share less the share of the silence around, which is drawn towards a usual one where
            little silence is known.
        logit: (m,) log-odds of the detector's score.
        framing: (m, 3) what says whether the place that sounds is above or below the picture: how far it is from the
            nearer edge, as a share of the picture's height and negative outside; the shares of the event in which the
            candidate reaches the upper and the lower edge, as far as that matters: not the lower one for mouths, nor
            the upper one for feet.
    """

    candidates: tuple[Candidate, ...]
    azimuth: FloatArray
    offset: FloatArray
    width: FloatArray
    distance: FloatArray
    motion: FloatArray
    contrast: FloatArray
    logit: FloatArray
    framing: FloatArray

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


def all_sounding_frames(table: EventTable) -> list[NDArray[np.bool_]]:
    """Of each class, (frames,) whether it sounds."""
    return [sounding_frames(table, index, table.num_frames) for index in range(NUM_CLASSES)]


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
    chosen, azimuths, widths, distances = [], [], [], []
    for candidate in candidates:
        if not candidate.may_make(index):
            continue
        azimuth = _at(candidate.azimuth[index], candidate.start, frame)
        if np.isfinite(azimuth).any():
            chosen.append(candidate)
            azimuths.append(azimuth)
            widths.append(np.nan_to_num(_at(candidate.width, candidate.start, frame)))
            distances.append(_at(candidate.distance[index], candidate.start, frame))
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
        _geometric_mean(np.stack(distances), window_frames) if chosen else np.zeros(shape),
        motion,
        contrast,
        np.log(score / (1 - score)),
        np.array([_framing(candidate, index, frame) for candidate in chosen]).reshape(-1, 3),
    )


def _framing(candidate: Candidate, index: int, frame: NDArray[np.int64]) -> tuple[float, float, float]:
    place = np.clip(frame - candidate.start, 0, len(candidate.span) - 1)
    row = float(np.median(candidate.row[index, place]))
    top, bottom = candidate.span[place].T
    inside = float(np.clip(min(row, 1 - row), -_DEEP, _DEEP))
    part = PARTS.get(CLASSES[index].slug, "") if candidate.label == PERSON else ""
    above = 0.0 if part == "feet" else float((top <= _AT_EDGE).mean())
    below = 0.0 if part == "mouth" else float((bottom >= 1 - _AT_EDGE).mean())
    return inside, above, below


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


def _geometric_mean(distances: FloatArray, half: int) -> FloatArray:
    """As `_window_mean`, of the logarithms; NaN where nothing is known."""
    mean = np.exp(_window_mean(np.log(distances), half))
    return np.where(np.isfinite(distances), mean, np.nan)


def _motion(
    chosen: list[Candidate], frame: NDArray[np.int64], sounds: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    around = np.arange(max(0, frame[0] - OUTSIDE_FRAMES), min(len(sounds), frame[-1] + 1 + OUTSIDE_FRAMES))
    silent = around[~sounds[around]]
    during = [_moves(candidate, frame) for candidate in chosen]
    outside = [_moves(candidate, silent) for candidate in chosen]
    share = np.array([known.mean() if known.size else 0.0 for known in during])
    usual = [(known.sum() + _USUAL_FRAMES * _USUAL_SHARE) / (known.size + _USUAL_FRAMES) for known in outside]
    return share, share - np.array(usual)


def _moves(candidate: Candidate, frame: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether it moves, in those of the frames of which it is known; a region that is gone has come to rest."""
    frame = frame[(frame >= candidate.shot[0]) & (frame < candidate.shot[1])]
    motion = _at(candidate.motion, candidate.start, frame)
    if candidate.label == MOVING:
        motion = np.nan_to_num(motion)
    return np.asarray(motion[np.isfinite(motion)] > _REST)
