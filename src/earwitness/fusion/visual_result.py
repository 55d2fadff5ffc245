"""The result of the visual analysis of a file, converted to plain values for its JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_SECONDS, EventTable, SoundEvent
from earwitness.fusion.fuse import Fused
from earwitness.results.detected_event import DetectedEvent
from earwitness.results.visual import EventKey, EventVisual, Pictures, VisibleObject, Visual, VisualTrack
from earwitness.vision.boxes import PERSON
from earwitness.vision.candidates import Candidate, CandidateIndex
from earwitness.vision.motion import MOVING

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
    event: SoundEvent | DetectedEvent, azimuth_before: FloatArray, candidate_index: CandidateIndex, number: int
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


def rows_of(event: SoundEvent | DetectedEvent, table: EventTable) -> NDArray[np.int64]:
    """Indices of the rows of an event in the table, which is sorted by frame."""
    own = event.table
    first, stop = np.searchsorted(table.frame, [own.frame[0], own.frame[-1] + 1])
    same = table.class_index[first:stop] == own.class_index[0]
    return np.flatnonzero(same & (table.source[first:stop] == own.source[0])) + int(first)


@dataclass(frozen=True, slots=True, eq=False)
class VisualResult(Visual):
    """The result of the visual analysis of a file; the values of an event are computed on request.

    Attributes:
        fused: the events after the fusion, with the values before it.
        width, height: size of the analysed pictures, pixels.
        content: left, top, right, bottom of the picture area without black bars, pixels.
        frames: number of label frames with a picture.
        objects: all visible objects, by number.
        explanations: the most likely cause of each event that has one.
        from_cache: whether the observation of the file was in the cache.
        warnings: warnings about the pictures.
    """

    fused: Fused
    width: int
    height: int
    content: tuple[int, int, int, int]
    frames: int
    objects: tuple[CandidateSummary, ...]
    explanations: dict[EventKey, Explanation]
    from_cache: bool
    warnings: tuple[str, ...] = ()

    @property
    def pictures(self) -> Pictures:
        """The pictures and the objects in them."""
        return Pictures(
            width=self.width,
            height=self.height,
            content=self.content,
            picture_frames=self.frames,
            seen=[self._object(number, one) for number, one in enumerate(self.objects)],
        )

    def of(self, event: SoundEvent | DetectedEvent) -> EventVisual:
        """The effect of the fusion on one event, frame by frame, with the likely cause and an explanation."""
        fused, rows = self.fused, rows_of(event, self.fused.table)
        cause = self.explanations.get(EventKey.of(event))
        return EventVisual(
            azimuth_before_deg=_rounded(np.median(fused.azimuth_before[rows])),
            distance_before_m=_rounded(np.median(fused.distance_before[rows]), 2),
            onscreen_before=bool(fused.onscreen_before[rows].mean() >= 0.5),
            common_cause=_rounded(fused.common[rows].mean(), 3),
            onscreen_probability=_rounded(fused.onscreen_probability[rows].mean(), 3),
            seen=None if cause is None else cause.number,
            what=None if cause is None else cause.label,
            box=None if cause is None else list(self._shares(cause.box)),
            why=self._why(event, cause, rows),
            track=_track(fused, rows),
        )

    def _why(self, event: SoundEvent | DetectedEvent, cause: Explanation | None, rows: NDArray[np.int64]) -> str:
        if cause is None:
            if not np.isfinite(event.table.azimuth).any():
                return "the sound has no direction to compare with the picture"
            return "no visible object in that direction could make this sound"
        likely = float(self.fused.common[rows].mean())
        verdict = "likely to be" if likely >= 0.5 else "possibly" if likely >= 0.25 else "unlikely to be"
        outside = likely >= 0.5 and not self.fused.table.onscreen[rows].mean() >= 0.5
        where = ", but the sounding part is probably above or below the picture" if outside else ""
        return (
            f"{_name(cause)}, {cause.apart:.0f} degrees from the detected direction, "
            f"{'moving' if cause.moves else 'still'} during the sound: {verdict} the cause ({likely:.0%}){where}"
        )

    def _object(self, number: int, summary: CandidateSummary) -> VisibleObject:
        return VisibleObject(
            seen=number,
            what=summary.label,
            start=round(summary.start * FRAME_SECONDS, 1),
            end=round(summary.stop * FRAME_SECONDS, 1),
            azimuth_deg=_rounded(summary.azimuth),
            box=list(self._shares(summary.box)),
            boxes=[
                (float(frame), *self._shares(box))
                for frame, box in zip(summary.key_frames.tolist(), summary.key_boxes, strict=True)
            ],
            score=_rounded(summary.score, 3),
            sightings=summary.sightings,
        )

    def _shares(self, xyxy: NDArray[np.float32]) -> tuple[float, float, float, float]:
        """Convert a box to shares of the picture."""
        shares = xyxy / np.array([self.width, self.height] * 2)
        left, top, right, bottom = (round(float(share), 4) for share in np.clip(shares, 0, 1))
        return left, top, right, bottom


def _track(fused: Fused, rows: NDArray[np.int64]) -> VisualTrack:
    return VisualTrack(
        azimuth_before=[_rounded(value) for value in fused.azimuth_before[rows]],
        distance_before=[_rounded(value, 2) for value in fused.distance_before[rows]],
        onscreen_before=fused.onscreen_before[rows].tolist(),
        common_cause=[_rounded(value, 3) for value in fused.common[rows]],
        onscreen_probability=[_rounded(value, 3) for value in fused.onscreen_probability[rows]],
        seen=[None if one < 0 else int(one) for one in fused.candidate[rows]],
    )


def _name(cause: Explanation) -> str:
    if cause.label == MOVING:
        return f"a moving region (seen {cause.number})"
    return f"a person (seen {cause.number})" if cause.label == PERSON else f"an object (seen {cause.number})"


def _rounded(value: Any, digits: int = 1) -> float | None:
    return None if not np.isfinite(value) else round(float(value), digits)
