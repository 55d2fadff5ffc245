"""Index of all candidates of a video, for queries by stretch.

Only the detections are in memory. Values per frame are computed for the requested stretch and equal those computed for
the whole video.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.vision.boxes import Boxes, cover_each
from earwitness.vision.motion import moving_regions
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidates import TRACKED_KEYPOINTS, Candidate, azimuths, candidate_of
from earwitness.vision.tracking.tracks import TrackConfig, Trail, link

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_MARGIN: Final = 0.2
_STRETCH: Final = 600
_OBJECTS: Final = TrackConfig(keypoints=TRACKED_KEYPOINTS)
_MOTION: Final = TrackConfig(reach=0.8, gap=30, hold=10, least=2, keypoints=())
"""Regions that stop moving for a while remain candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A trail, and for a moving region the frames in which it is outside all detected people and objects.

    Motion within a person may be an instrument that they play or an object that they knock on; for sounds that people
    make themselves, the person is the candidate.
    """

    trail: Trail
    alone: BoolArray | None = None


class CandidateIndex:
    """People, objects and moving regions of a video.

    Args:
        observation: observation of the video.
        fov: horizontal field of view of the area without black bars, degrees.
        vocabulary: the classes of sound.
    """

    def __init__(self, observation: Observation, fov: float, vocabulary: Vocabulary = DCASE2025) -> None:
        self._observation, self._fov, self._vocabulary = observation, fov, vocabulary
        self._human = np.array([[sound_class.human] for sound_class in vocabulary])
        frames = observation.num_frames
        first, cuts = observation.first_frame, [shot.start for shot in observation.shots[1:]]
        shown = shows_scene(observation)
        picture_frames, none = observation.frames.tolist(), Boxes.none()
        detections = (
            boxes if shown[frame] else none for frame, boxes in zip(picture_frames, observation.boxes, strict=True)
        )
        objects = link(picture_frames, detections, frames, _OBJECTS, first, cuts)
        regions = (
            moving_regions(grid, observation.width, observation.height) if shows else none
            for grid, shows in zip(observation.motion, shown, strict=False)
        )
        moving = [_apart(trail, objects) for trail in link(range(frames), regions, frames, _MOTION, first, cuts)]
        kept = [one for one in moving if any(np.isfinite(azimuth).any() for azimuth in self._azimuths(one))]
        self._entries = [_Entry(trail) for trail in objects] + kept
        self._start = np.array([one.trail.start for one in self._entries], dtype=np.int64)
        self._stop = np.array([one.trail.stop for one in self._entries], dtype=np.int64)

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self._entries)

    def trail(self, number: int) -> Trail:
        """The trail of a candidate."""
        return self._entries[number].trail

    def during(self, first: int, stop: int) -> list[Candidate]:
        """The candidates present in a stretch of label frames, restricted to it."""
        present = np.flatnonzero((self._start < stop) & (self._stop > first))
        return [self.candidate(number, first, stop) for number in present.tolist()]

    def candidate(self, number: int, first: int, stop: int) -> Candidate:
        """A candidate restricted to a stretch."""
        entry = self._entries[number]
        made = candidate_of(entry.trail.track(first, stop), self._observation, self._fov, number, self._vocabulary)
        return replace(made, azimuth=self._masked(entry, made.start, made.azimuth))

    def azimuths(self, number: int) -> Iterator[FloatArray]:
        """Yield the azimuths (classes, t) of a candidate, stretch by stretch; see `Candidate`."""
        return self._azimuths(self._entries[number])

    def _azimuths(self, entry: _Entry) -> Iterator[FloatArray]:
        trail = entry.trail
        for first in range(trail.start, trail.stop, _STRETCH):
            azimuth = azimuths(trail.track(first, first + _STRETCH), self._observation, self._fov, self._vocabulary)
            yield self._masked(entry, first, azimuth)

    def _masked(self, entry: _Entry, first: int, azimuth: FloatArray) -> FloatArray:
        """Azimuths (classes, t) from frame `first` on; NaN for human sounds where a region is within a person."""
        if entry.alone is None:
            return azimuth
        alone = entry.alone[first - entry.trail.start :][: azimuth.shape[1]]
        return np.where(alone | ~self._human, azimuth, np.float32(np.nan))


def shows_scene(observation: Observation) -> BoolArray:
    """(frames,) whether the picture shows a scene, not a single colour or a title card."""
    shown = np.ones(observation.num_frames + 1, dtype=np.bool_)
    for shot in observation.shots:
        shown[shot.start : shot.stop] = shot.kind == "scene"
    return shown


def find_candidates(observation: Observation, fov: float) -> list[Candidate]:
    """All candidates of a short video; arguments as for `CandidateIndex`."""
    return CandidateIndex(observation, fov).during(0, observation.num_frames + 1)


def _apart(trail: Trail, objects: list[Trail]) -> _Entry:
    """A moving region with the frames in which it is outside all people and objects."""
    alone = np.ones(trail.stop - trail.start, dtype=np.bool_)
    for one in objects:
        first, stop = max(trail.start, one.start), min(trail.stop, one.stop)
        if first < stop:
            part = cover_each(trail.xyxy(first, stop), _grown(one.xyxy(first, stop))) > 0.5
            alone[first - trail.start : stop - trail.start] &= ~part
    return _Entry(trail, alone)


def _grown(xyxy: FloatArray) -> FloatArray:
    """Boxes (t, 4) with a margin, because detected boxes are tight and the motion grid is coarse."""
    margin = _MARGIN * (xyxy[:, 2:] - xyxy[:, :2])
    return np.concatenate([xyxy[:, :2] - margin, xyxy[:, 2:] + margin], axis=1)
