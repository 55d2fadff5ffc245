"""What was seen, and what of it bore on each event: the few numbers that a report needs of hours of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable, SoundEvent
from earwitness.fusion.fuse import Fused
from earwitness.results.visual import EventKey
from earwitness.vision.tracking.candidate_index import CandidateIndex
from earwitness.vision.tracking.candidates import Candidate

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SeenThing:
    """Something seen.

    Attributes:
        label: as in `Candidate`.
        start, stop: its first frame, and one past its last.
        azimuth: degrees, median; NaN where it is never in the picture.
        box: (4,) in the middle of its time, pixels of the pictures as watched.
        score: of its sightings, mean.
        sightings: how many there were.
    """

    label: str
    start: int
    stop: int
    azimuth: float
    box: FloatArray
    score: float
    sightings: int


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What is likeliest to have caused an event, of all that was seen.

    Attributes:
        number: of the candidate.
        label: of the candidate.
        box: (4,) in the middle of the event, pixels of the pictures as watched.
        apart: degrees between it and where the event was heard, median.
        moves: whether it moves for at least half of the event.
    """

    number: int
    label: str
    box: FloatArray
    apart: float
    moves: bool


def seen_things(candidate_index: CandidateIndex) -> Iterator[SeenThing]:
    """Everything seen, by number."""
    for number in range(len(candidate_index)):
        trail = candidate_index.trail(number)
        middle = trail.start + (trail.stop - trail.start) // 2
        box = trail.xyxy(middle, middle + 1)[0]
        azimuth = _median_azimuth(candidate_index, number)
        yield SeenThing(trail.label, trail.start, trail.stop, azimuth, box, trail.score, len(trail.frames))


def explanations(fused: Fused, candidate_index: CandidateIndex) -> Iterator[tuple[EventKey, Explanation]]:
    """What is likeliest to have caused each event; none for those on which nothing seen bears."""
    for event in fused.table.iter_events():
        rows = rows_of(event, fused.table)
        number = _likeliest(fused.candidate[rows], fused.common[rows])
        if number is not None:
            yield EventKey.of(event), _reason(event, fused.azimuth_before[rows], candidate_index, number)


def _reason(event: SoundEvent, heard: FloatArray, candidate_index: CandidateIndex, number: int) -> Explanation:
    frame, trail = event.table.frame, candidate_index.trail(number)
    candidate = candidate_index.candidate(number, int(frame[0]), int(frame[-1]) + 1)
    place = frame - candidate.start
    there = (place >= 0) & (place < len(candidate.xyxy))
    azimuth = candidate.azimuth[event.sound_class.index, place[there]]
    apart = float(np.nanmedian(np.abs(heard[there] - azimuth)))
    middle = int(np.clip(frame[len(frame) // 2], trail.start, trail.stop - 1))
    box = trail.xyxy(middle, middle + 1)[0]
    return Explanation(number, trail.label, box, apart, _moves(candidate, place[there]))


def _moves(candidate: Candidate, place: NDArray[np.int32]) -> bool:
    motion = candidate.motion[place]
    return bool(np.isfinite(motion).any() and float(np.nanmean(motion > 0)) >= 0.5)


def _median_azimuth(candidate_index: CandidateIndex, number: int) -> float:
    # A region within somebody makes only what people do not; it has the same direction for all classes.
    parts = (np.where(np.isfinite(azimuth[0]), azimuth[0], azimuth[-1]) for azimuth in candidate_index.azimuths(number))
    azimuth = np.concatenate(list(parts))
    return float(np.nanmedian(azimuth)) if np.isfinite(azimuth).any() else float("nan")


def _likeliest(candidates: NDArray[np.int64], common: NDArray[np.float64]) -> int | None:
    """The candidate with most of the probability over an event."""
    known = candidates >= 0
    if not known.any():
        return None
    numbers, place = np.unique(candidates[known], return_inverse=True)
    return int(numbers[np.bincount(place, weights=common[known] + 1e-9).argmax()])


def rows_of(event: SoundEvent, table: EventTable) -> NDArray[np.int64]:
    """Where an event's rows lie in the table, which is sorted by frame."""
    own = event.table
    first, stop = np.searchsorted(table.frame, [own.frame[0], own.frame[-1] + 1])
    same = table.class_index[first:stop] == own.class_index[0]
    return np.flatnonzero(same & (table.source[first:stop] == own.source[0])) + int(first)
