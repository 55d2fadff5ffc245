"""Visible objects and the likely cause of each event, in a compact form for results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable, SoundEvent
from earwitness.fusion.fuse import Fused
from earwitness.results.visual import EventKey
from earwitness.vision.tracking.candidate_index import CandidateIndex
from earwitness.vision.tracking.candidates import Candidate

FloatArray = NDArray[np.float32]
BOX_TOLERANCE: Final = 0.04
"""Of the longer side of a box."""


@dataclass(frozen=True, slots=True, eq=False)
class CandidateSummary:
    """Summary of one candidate.

    Attributes:
        label: as in `Candidate`.
        start, stop: first frame, and one past the last.
        azimuth: median azimuth, degrees; NaN if it is never in the picture.
        box: (4,) box at its middle frame, pixels of the analysed pictures.
        key_frames, key_boxes: (n,) frames and (n, 4) boxes, pixels; linear interpolation between them gives each box
            to `BOX_TOLERANCE` of its size.
        score: mean score of its detections.
        sightings: number of its detections.
    """

    label: str
    start: int
    stop: int
    azimuth: float
    box: FloatArray
    key_frames: NDArray[np.int32]
    key_boxes: FloatArray
    score: float
    sightings: int


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The most likely cause of an event among the candidates.

    Attributes:
        number: number of the candidate.
        label: label of the candidate.
        box: (4,) box at the middle frame of the event, pixels of the analysed pictures.
        apart: median angle between the candidate and the azimuth before the fusion, degrees.
        moves: whether it moves during at least half of the event.
    """

    number: int
    label: str
    box: FloatArray
    apart: float
    moves: bool


def candidate_summaries(candidate_index: CandidateIndex) -> Iterator[CandidateSummary]:
    """Summaries of all candidates, in order of their numbers."""
    for number in range(len(candidate_index)):
        trail = candidate_index.trail(number)
        middle = trail.start + (trail.stop - trail.start) // 2
        box = trail.xyxy(middle, middle + 1)[0]
        azimuth = _median_azimuth(candidate_index, number)
        keys = key_rows(trail.frames, trail.boxes)
        yield CandidateSummary(
            trail.label, trail.start, trail.stop, azimuth, box, trail.frames[keys], trail.boxes[keys], trail.score,
            len(trail.frames),
        )  # fmt: skip


def key_rows(frames: NDArray[np.int32], boxes: FloatArray) -> NDArray[np.int64]:
    """Rows of the boxes that describe a movement: those between them are near the straight line.

    Source: Douglas & Peucker, Algorithms for the reduction of the number of points (1973), on the four edges.

    Args:
        frames: (n,) increasing.
        boxes: (n, 4) pixels.
    """
    sizes = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0)
    kept, open_parts = {0, len(frames) - 1}, [(0, len(frames) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        share = ((frames[inner] - frames[first]) / (frames[last] - frames[first]))[:, None]
        line = boxes[first] + share * (boxes[last] - boxes[first])
        errors = np.abs(boxes[inner] - line).max(axis=1) / sizes[inner]
        worst = int(errors.argmax())
        if errors[worst] > BOX_TOLERANCE:
            middle = first + 1 + worst
            kept.add(middle)
            open_parts += [(first, middle), (middle, last)]
    return np.array(sorted(kept), dtype=np.int64)


def explanations(fused: Fused, candidate_index: CandidateIndex) -> Iterator[tuple[EventKey, Explanation]]:
    """The most likely cause of each event; events without any candidate are skipped."""
    for event in fused.table.iter_events():
        rows = rows_of(event, fused.table)
        number = _most_likely(fused.candidate[rows], fused.common[rows])
        if number is not None:
            yield EventKey.of(event), _explanation(event, fused.azimuth_before[rows], candidate_index, number)


def _explanation(
    event: SoundEvent, azimuth_before: FloatArray, candidate_index: CandidateIndex, number: int
) -> Explanation:
    frame, trail = event.table.frame, candidate_index.trail(number)
    candidate = candidate_index.candidate(number, int(frame[0]), int(frame[-1]) + 1)
    place = frame - candidate.start
    inside = (place >= 0) & (place < len(candidate.xyxy))
    azimuth = candidate.azimuth[event.sound_class.index, place[inside]]
    apart = float(np.nanmedian(np.abs(azimuth_before[inside] - azimuth)))
    middle = int(np.clip(frame[len(frame) // 2], trail.start, trail.stop - 1))
    box = trail.xyxy(middle, middle + 1)[0]
    return Explanation(number, trail.label, box, apart, _moves(candidate, place[inside]))


def _moves(candidate: Candidate, place: NDArray[np.int32]) -> bool:
    motion = candidate.motion[place]
    return bool(np.isfinite(motion).any() and float(np.nanmean(motion > 0)) >= 0.5)


def _median_azimuth(candidate_index: CandidateIndex, number: int) -> float:
    # A region within a person has directions for the sounds of objects only, the same for all of these classes.
    parts = (np.where(np.isfinite(azimuth[0]), azimuth[0], azimuth[-1]) for azimuth in candidate_index.azimuths(number))
    azimuth = np.concatenate(list(parts))
    return float(np.nanmedian(azimuth)) if np.isfinite(azimuth).any() else float("nan")


def _most_likely(candidates: NDArray[np.int64], common: NDArray[np.float64]) -> int | None:
    """The candidate with the largest total probability over an event."""
    known = candidates >= 0
    if not known.any():
        return None
    numbers, place = np.unique(candidates[known], return_inverse=True)
    return int(numbers[np.bincount(place, weights=common[known] + 1e-9).argmax()])


def rows_of(event: SoundEvent, table: EventTable) -> NDArray[np.int64]:
    """Indices of the rows of an event in the table, which is sorted by frame."""
    own = event.table
    first, stop = np.searchsorted(table.frame, [own.frame[0], own.frame[-1] + 1])
    same = table.class_index[first:stop] == own.class_index[0]
    return np.flatnonzero(same & (table.source[first:stop] == own.source[0])) + int(first)
